import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The user and group of processes that parse client traffic: `nonroot` of the distroless images. */
export const UNPRIVILEGED_ID = 65532;
/** Of the announcer: another one, so that a proxy that was taken over cannot end it or enter its folder. */
export const ANNOUNCER_ID = 65533;

/** Who a child process runs as. */
export type ProcessUser =
  /** As the controller: it is not root itself, was told to keep its user, or `warning` says why it must. */
  | { readonly type: 'same'; readonly warning: string | null }
  | { readonly type: 'other'; readonly uid: number; readonly gid: number };

/** A child process by its name in sentences, and the user and group it is to have. */
export interface ChildIdentity {
  readonly name: string;
  readonly id: number;
}

const PROXY: ChildIdentity = { name: 'the proxy', id: UNPRIVILEGED_ID };

/**
 * Chooses the user of a child that runs `files` (the Node.js binary and the program). Root gives up its rights unless
 * told to keep them, or unless the files lie where nobody else may read, as in a checkout under /root.
 */
export function chooseProcessUser(keepUser: boolean, files: readonly string[], { name, id }: ChildIdentity = PROXY): ProcessUser {
  if (keepUser || process.getuid?.() !== 0) return { type: 'same', warning: null };
  if (!isMapped(readFileSync('/proc/self/uid_map', 'utf8'), id)) {
    return { type: 'same', warning: `${name} runs as the controller does: this user namespace has no uid ${id}` };
  }
  const closed = files.map(findClosedPath).find((path) => path !== null);
  if (closed === undefined) return { type: 'other', uid: id, gid: id };
  const warning = `${name} runs as root: ${closed} is not readable by uid ${id}; `
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
