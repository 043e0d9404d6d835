import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The user and group of processes that parse client traffic: `nonroot` of the distroless images. */
export const UNPRIVILEGED_ID = 65532;

/** Who a child process runs as. */
export type ProcessUser =
  /** As the controller: it is not root itself, was told to keep its user, or `warning` says why it must. */
  | { readonly type: 'same'; readonly warning: string | null }
  | { readonly type: 'other'; readonly uid: number; readonly gid: number };

/**
 * Chooses the user of a child that runs `files` (the Node.js binary and the program). Root gives up its rights unless
 * told to keep them, or unless the files lie where nobody else may read, as in a checkout under /root.
 */
export function chooseProcessUser(keepUser: boolean, files: readonly string[]): ProcessUser {
  if (keepUser || process.getuid?.() !== 0) return { type: 'same', warning: null };
  if (!isMapped(readFileSync('/proc/self/uid_map', 'utf8'), UNPRIVILEGED_ID)) {
    return { type: 'same', warning: `the proxy runs as the controller does: this user namespace has no uid ${UNPRIVILEGED_ID}` };
  }
  const closed = files.map(findClosedPath).find((path) => path !== null);
  if (closed === undefined) return { type: 'other', uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID };
  const warning = `the proxy runs as root: ${closed} is not readable by uid ${UNPRIVILEGED_ID}; `
    + 'move Gatehouse out of it (for example to /opt), or open it with chmod o+rx';
  return { type: 'same', warning };
}

/** True when `id` exists inside a user namespace whose `/proc/self/uid_map` this is: lines of first id inside, outside, count. */
export function isMapped(map: string, id: number): boolean {
  return map.split('\n').some((line) => {
    const [first, , count] = line.trim().split(/ +/).map(Number);
    return first !== undefined && count !== undefined && id >= first && id < first + count;
  });
}

const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/** The first file or folder on the way to `path` that keeps other users out; null when all let them in. */
function findClosedPath(path: string): string | null {
  if (!existsSync(path)) return path;
  const needed = statSync(path).isDirectory() ? OTHERS_ENTER : OTHERS_READ;
  const parent = dirname(path);
  const closedAbove = parent === path ? null : findClosedPath(parent);
  if (closedAbove !== null) return closedAbove;
  return (statSync(path).mode & needed) === 0 ? path : null;
}
