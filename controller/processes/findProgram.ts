import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** Where Linux distributions keep the tools of administrators and others; `nft` is in none of a plain user's PATH. */
const STANDARD_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The folders of `path` (of PATH), then the standard ones. Folders relative to wherever somebody stands are left out. */
export function programFolders(path: string | undefined): readonly string[] {
  return [...new Set([...(path ?? '').split(':').filter(isAbsolute), ...STANDARD_FOLDERS])];
}

/** The whole path of a program; null when no folder has one that may be run. */
export function findProgram(name: string, folders: readonly string[]): string | null {
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
