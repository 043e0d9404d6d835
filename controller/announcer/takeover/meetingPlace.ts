import { readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Path of the socket by which announcers of this network namespace find each other in a folder: announcers of two namespaces
 * have nothing to do with each other.
 */
export function meetingPlace(folder: string): string {
  const inode = /\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0] ?? 'unknown';
  return join(folder, `${inode}.sock`);
}
