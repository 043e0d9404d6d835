import { chmodSync, chownSync, lstatSync, mkdirSync } from 'node:fs';
import type { ProcessUser } from './processUser.ts';

const OWNER_ONLY = 0o700;

/**
 * Makes the folder in which announcers of one node find each other, for `user` alone: whoever enters it can end an announcer.
 * Throws when it cannot be had, or when the path leads elsewhere.
 */
export function prepareAnnouncerFolder(folder: string, user: ProcessUser): void {
  mkdirSync(folder, { recursive: true });
  if (!lstatSync(folder).isDirectory()) throw new Error(`${folder} is no folder`);
  chmodSync(folder, OWNER_ONLY);
  if (user.type === 'other') chownSync(folder, user.uid, user.gid);
  else if (process.geteuid?.() === 0) chownSync(folder, 0, 0);
}
