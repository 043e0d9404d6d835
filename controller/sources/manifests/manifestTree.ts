import type { BigIntStats, Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { WatchedFolder } from './folderWatch.ts';
import { errorCode } from './manifestText.ts';

/** One file to read. */
export interface TreeFile {
  /** As given, or the given folder joined with the way in it: what problems print. */
  readonly path: string;
  /** Differs once the file was written to or replaced. */
  readonly stamp: string;
  /** ms since the epoch of the last write. */
  readonly modifiedAtMs: number;
}

/** Something that could not be looked at; what was read below it earlier stays. */
export interface TreeFault {
  readonly path: string;
  readonly rule: string;
  /** One of the given paths does not exist. */
  readonly missing: boolean;
}

/** What stands below the given paths now. Files are in path order: given path by given path, names sorted. */
export interface ManifestTree {
  readonly files: readonly TreeFile[];
  readonly faults: readonly TreeFault[];
  /** path → folder in which a change may change this tree. */
  readonly folders: ReadonlyMap<string, WatchedFolder>;
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/** Folders in folders (ours): ends what symbolic links could make endless. */
const MAX_FOLDER_DEPTH = 32;

/**
 * Lists the manifest files of `paths`: a file as it is, a folder with all it holds. Names that begin with a dot are
 * skipped, symbolic links followed: that is what the `..data` layout of mounted ConfigMaps and Secrets needs.
 */
export async function scanTree(paths: readonly string[]): Promise<ManifestTree> {
  const scan: Scan = { files: new Map(), faults: [], folders: new Map() };
  for (const path of paths) await scanRoot(path, scan);
  return { files: [...scan.files.values()], faults: scan.faults, folders: scan.folders };
}

interface Scan {
  /** absolute path → file; a file that two given paths lead to counts once. */
  readonly files: Map<string, TreeFile>;
  readonly faults: TreeFault[];
  readonly folders: Map<string, WatchedFolder>;
}

async function scanRoot(path: string, scan: Scan): Promise<void> {
  // A path that is moved away, back or replaced shows in the folder around it.
  await watchName(dirname(resolve(path)), basename(resolve(path)), scan);
  const stats = await statOrCode(path);
  if (typeof stats === 'string') {
    const missing = stats === 'ENOENT' || stats === 'ENOTDIR';
    scan.faults.push({ path, rule: missing ? 'must exist' : `must be readable: ${stats}`, missing });
    return;
  }
  if (stats.isDirectory()) await scanFolder(path, [identityOf(stats)], scan);
  else if (stats.isFile()) addFile(path, stats, scan);
  else scan.faults.push({ path, rule: 'must be a file or a folder', missing: false });
}

/** `chain`: identities of the folders on the way here and of this one, so that no link leads around in a circle. */
async function scanFolder(folder: string, chain: readonly string[], scan: Scan): Promise<void> {
  scan.folders.set(resolve(folder), { identity: chain.at(-1) ?? '', names: null });
  const names = await namesIn(folder);
  if (typeof names === 'string') {
    // Gone since its parent was listed: gone with all it held.
    if (names !== 'ENOENT') scan.faults.push({ path: folder, rule: `must be readable: ${names}`, missing: false });
    return;
  }
  const entries = names.filter(({ name }) => !name.startsWith('.')).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const found = await Promise.all(entries.map(async ({ name }) => statOrCode(join(folder, name))));
  for (const [index, entry] of entries.entries()) {
    const path = join(folder, entry.name);
    const stats = found[index] ?? 'ENOENT';
    if (typeof stats === 'string') addFault(path, { code: stats, link: entry.isSymbolicLink() }, scan);
    else if (stats.isDirectory()) await scanSubfolder(path, [...chain, identityOf(stats)], scan);
    else if (stats.isFile() && isManifestName(path)) {
      addFile(path, stats, scan);
      if (entry.isSymbolicLink()) await watchTarget(path, scan);
    }
  }
}

async function scanSubfolder(path: string, chain: readonly string[], scan: Scan): Promise<void> {
  if (chain.indexOf(chain.at(-1) ?? '') !== chain.length - 1) return;
  if (chain.length > MAX_FOLDER_DEPTH) {
    scan.faults.push({ path, rule: `must not be deeper than ${MAX_FOLDER_DEPTH} folders`, missing: false });
    return;
  }
  await scanFolder(path, chain, scan);
}

/** A file that went between listing and looking is gone; a link to nothing is one that cannot be read. */
function addFault(path: string, fault: { readonly code: string; readonly link: boolean }, scan: Scan): void {
  const { code, link } = fault;
  if (!isManifestName(path) || (code === 'ENOENT' && !link)) return;
  const rule = code === 'ENOENT' ? 'must not be a link to nothing' : `must be readable: ${code}`;
  scan.faults.push({ path, rule, missing: false });
}

function addFile(path: string, stats: BigIntStats, scan: Scan): void {
  const key = resolve(path);
  if (scan.files.has(key)) return;
  const stamp = `${identityOf(stats)}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
  scan.files.set(key, { path, stamp, modifiedAtMs: Number(stats.mtimeMs) });
}

/** A link's target is written to where it is, not where the link is. */
async function watchTarget(link: string, scan: Scan): Promise<void> {
  const target = await realpath(link).catch(() => null);
  if (target !== null) await watchName(dirname(target), basename(target), scan);
}

async function watchName(folder: string, name: string, scan: Scan): Promise<void> {
  const known = scan.folders.get(folder);
  if (known !== undefined) {
    if (known.names !== null) scan.folders.set(folder, { ...known, names: new Set([...known.names, name]) });
    return;
  }
  const stats = await statOrCode(folder);
  if (typeof stats !== 'string') scan.folders.set(folder, { identity: identityOf(stats), names: new Set([name]) });
}

function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function isManifestName(path: string): boolean {
  return EXTENSIONS.some((extension) => path.endsWith(extension));
}

async function statOrCode(path: string): Promise<BigIntStats | string> {
  return stat(path, { bigint: true }).catch(errorCode);
}

async function namesIn(folder: string): Promise<Dirent[] | string> {
  return readdir(folder, { withFileTypes: true }).catch(errorCode);
}
