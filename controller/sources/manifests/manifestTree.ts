import type { BigIntStats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/** Folders in folders (ours): ends what symbolic links could make endless. */
const MAX_FOLDER_DEPTH = 32;

/**
 * Lists the manifest files of `paths`: a file as it is, a folder with all it holds. Names that begin with a dot are
 * skipped, symbolic links followed: that is what the `..data` layout of mounted ConfigMaps and Secrets needs.
 */
export async function scanTree(paths: readonly string[]): Promise<ManifestTree> {
  const scan: Scan = { files: new Map(), faults: [] };
  for (const path of paths) await scanRoot(path, scan);
  return { files: [...scan.files.values()], faults: scan.faults };
}

interface Scan {
  /** absolute path → file; a file that two given paths lead to counts once. */
  readonly files: Map<string, TreeFile>;
  readonly faults: TreeFault[];
}

async function scanRoot(path: string, scan: Scan): Promise<void> {
  const stats = await statOrFault(path);
  if (typeof stats === 'string') {
    const missing = stats === 'ENOENT' || stats === 'ENOTDIR';
    scan.faults.push({ path, rule: missing ? 'must exist' : `must be readable: ${stats}`, missing });
    return;
  }
  if (stats.isDirectory()) await scanFolder(path, [identityOf(stats)], scan);
  else if (stats.isFile()) addFile(path, stats, scan);
  else scan.faults.push({ path, rule: 'must be a file or a folder', missing: false });
}

/** `chain`: the folders on the way here, so that a link to one of them is not followed again. */
async function scanFolder(folder: string, chain: readonly string[], scan: Scan): Promise<void> {
  const names = await namesIn(folder);
  if (typeof names === 'string') {
    // Gone since its parent was listed: gone with all it held.
    if (names !== 'ENOENT') scan.faults.push({ path: folder, rule: `must be readable: ${names}`, missing: false });
    return;
  }
  const visible = names.filter((name) => !name.startsWith('.')).toSorted();
  const entries = await Promise.all(visible.map(async (name) => statOrFault(join(folder, name))));
  for (const [index, stats] of entries.entries()) {
    const path = join(folder, visible[index] ?? '');
    if (typeof stats === 'string') await addFault(path, stats, scan);
    else if (stats.isFile() && isManifestName(path)) addFile(path, stats, scan);
    else if (stats.isDirectory()) await scanSubfolder(path, [...chain, identityOf(stats)], scan);
  }
}

async function scanSubfolder(path: string, chain: readonly string[], scan: Scan): Promise<void> {
  const identity = chain.at(-1);
  if (chain.indexOf(identity ?? '') !== chain.length - 1) return;
  if (chain.length > MAX_FOLDER_DEPTH) {
    scan.faults.push({ path, rule: `must not be deeper than ${MAX_FOLDER_DEPTH} folders`, missing: false });
    return;
  }
  await scanFolder(path, chain, scan);
}

/** A file that went between listing and looking is gone; a link to nothing is one that cannot be read. */
async function addFault(path: string, code: string, scan: Scan): Promise<void> {
  if (!isManifestName(path)) return;
  const dangling = code === 'ENOENT' && (await lstat(path).catch(() => null)) !== null;
  if (code === 'ENOENT' && !dangling) return;
  const rule = dangling ? 'must not be a link to nothing' : `must be readable: ${code}`;
  scan.faults.push({ path, rule, missing: false });
}

function addFile(path: string, stats: BigIntStats, scan: Scan): void {
  const key = resolve(path);
  if (scan.files.has(key)) return;
  const stamp = `${identityOf(stats)}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
  scan.files.set(key, { path, stamp, modifiedAtMs: Number(stats.mtimeMs) });
}

function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

/** True for names that are read from folders: .yaml, .yml, .json. */
export function isManifestName(path: string): boolean {
  return EXTENSIONS.some((extension) => path.endsWith(extension));
}

async function statOrFault(path: string): Promise<BigIntStats | string> {
  return stat(path, { bigint: true }).catch(errorCode);
}

async function namesIn(folder: string): Promise<string[] | string> {
  return readdir(folder).catch(errorCode);
}
