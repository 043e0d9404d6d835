import { createWriteStream, fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';

/**
 * A stream over standard output that never blocks the thread, whatever it is.
 *
 * A pipe or socket is written through the event loop: `process.stdout` is that already. Writing it by the thread pool
 * instead (fs.write, sonic-boom) either parks a pool thread in the kernel, so that the process cannot even exit before
 * somebody reads, or, with O_NONBLOCK, which Node sets on it as soon as there is a worker thread, is retried by a slow
 * timer and loses lines to a reader that was late for a moment. A file or terminal can only be written by the pool.
 */
export function logStream(standardOutput: Writable & { readonly fd: number }): Writable {
  const stat = fstatSync(standardOutput.fd);
  if (stat.isFIFO() || stat.isSocket()) return standardOutput;
  return createWriteStream('', { fd: standardOutput.fd, autoClose: false });
}
