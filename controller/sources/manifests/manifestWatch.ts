import type { Stats } from 'node:fs';
import { basename, dirname, resolve, sep } from 'node:path';
import { watch } from 'chokidar';
import { isManifestName } from './manifestTree.ts';

/** Who is told about changes below the watched paths. */
export interface WatchListener {
  /** Something may have changed; told often, and rather too often than too seldom. */
  onChange(): void;
  /** The system cannot watch (all of) the paths: changes must be looked for instead. */
  onFault(error: unknown): void;
}

/** Name of the link that mounted ConfigMaps and Secrets swap to change all their files at once. */
const MOUNT_LINK = '..data';

/**
 * Watches files and folders for any change. Only a trigger: what changed is for the reader to find out. Returns what
 * ends the watch; closing twice is harmless.
 */
export function watchPaths(paths: readonly string[], listener: WatchListener): { close(): Promise<void> } {
  const roots = paths.map((path) => resolve(path));
  // The folders around the given paths are watched too, as a path that is moved away and back shows only there.
  const watcher = watch([...new Set(roots.map(dirname))], {
    ignored: (path, stats) => isIgnored(resolve(path), roots, stats),
    ignoreInitial: true,
    ignorePermissionErrors: true,
  });
  watcher.on('raw', () => listener.onChange());
  watcher.on('all', () => listener.onChange());
  // What changed between the first reading and now was not seen by anybody.
  watcher.on('ready', () => listener.onChange());
  watcher.on('error', (error) => listener.onFault(error));
  return { close: async () => watcher.close() };
}

function isIgnored(path: string, roots: readonly string[], stats: Stats | undefined): boolean {
  if (roots.includes(path) || roots.some((root) => dirname(root) === path)) return false;
  if (!roots.some((root) => path.startsWith(root.endsWith(sep) ? root : root + sep))) return true;
  const name = basename(path);
  if (name.startsWith('.')) return name !== MOUNT_LINK;
  return stats?.isFile() === true && !isManifestName(path);
}
