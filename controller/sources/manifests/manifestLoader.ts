import { resolve } from 'node:path';
import type { WatchedFolder } from './folderWatch.ts';
import { fileProblem, readContent, type ManifestContent } from './manifestContent.ts';
import { ManifestSet, type ManifestFile } from './manifestSet.ts';
import { readManifestText } from './manifestText.ts';
import { scanTree, type ManifestTree, type TreeFault, type TreeFile } from './manifestTree.ts';
import type { SourceBatch } from '../source.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** A given path does not exist; `path` is as it was given. */
export class ManifestPathError extends Error {
  readonly code = 'pathMissing';
  readonly path: string;

  constructor(path: string) {
    super(`manifests path ${JSON.stringify(path)} does not exist`);
    this.name = 'ManifestPathError';
    this.path = path;
  }
}

/** A file with what its reading depends on. */
interface LoadedFile extends ManifestFile {
  /** Null: to be read again whatever its stamp says. */
  readonly stamp: string | null;
}

/**
 * A file that was written this shortly before is likely being written still. And a further write may leave its size and
 * times as they are, as the clock of a file system ticks only every few ms, so its stamp says nothing.
 */
const SETTLE_MS = 30;

/** A file that never settles is read all the same after this long. */
const MAX_SETTLE_MS = 200;

/** Reads given paths again and again, each time only what changed on disk. */
export class ManifestLoader {
  readonly #paths: readonly string[];
  readonly #set = new ManifestSet();
  /** path → file, in path order. */
  #files: ReadonlyMap<string, LoadedFile> = new Map();
  #folders: ReadonlyMap<string, WatchedFolder> = new Map();
  /** path → ms since the epoch when it was first found being written. */
  #unsettledSinceMs: ReadonlyMap<string, number> = new Map();
  #last: SourceBatch = { upserts: [], deletes: [], problems: [] };

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** True when a file was left for the next time, as it is being written. */
  get unsettled(): boolean {
    return this.#unsettledSinceMs.size > 0;
  }

  /** Files that are served, in path order. */
  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** path → folder in which a change may change what is read, as of the last time. */
  get folders(): ReadonlyMap<string, WatchedFolder> {
    return this.#folders;
  }

  /** Everything for the first time. Throws ManifestPathError when a given path does not exist. */
  async loadFirst(): Promise<SourceBatch> {
    const tree = await scanTree(this.#paths);
    const missing = tree.faults.find((fault) => fault.missing);
    if (missing !== undefined) throw new ManifestPathError(missing.path);
    return this.#loadTree(tree);
  }

  /** What changed since the last time. */
  async load(): Promise<SourceBatch> {
    const tree = await scanTree(this.#paths);
    this.#unsettledSinceMs = this.#findUnsettled(tree);
    return this.#loadTree(tree);
  }

  async #loadTree(tree: ManifestTree): Promise<SourceBatch> {
    this.#folders = tree.folders;
    const found = new Map<string, LoadedFile>();
    for (const file of tree.files) {
      const loaded = this.#unsettledSinceMs.has(file.path) ? this.#files.get(file.path) : await this.#loadFile(file);
      if (loaded !== undefined) found.set(file.path, loaded);
    }
    const files = this.#keepUnseen(found, tree.faults);
    if (!isSameMap(files, this.#files)) {
      this.#files = files;
      this.#last = this.#set.update([...files.values()]);
    } else {
      this.#last = { upserts: [], deletes: [], problems: this.#last.problems };
    }
    return { ...this.#last, problems: [...tree.faults.map(treeProblem), ...this.#last.problems] };
  }

  async #loadFile(file: TreeFile): Promise<LoadedFile> {
    const { path } = file;
    const before = this.#files.get(path);
    if (before !== undefined && before.stamp === file.stamp) return before;
    const stamp = Math.abs(Date.now() - file.modifiedAtMs) < SETTLE_MS ? null : file.stamp;
    const lastContent: ManifestContent = before?.content ?? [];
    const spoilt = (problem: Problem): LoadedFile => ({ path, stamp, content: lastContent, problem });
    const reading = await readManifestText(path);
    if (!reading.ok) return { ...spoilt(fileProblem({ file: path, line: 1 }, reading.rule)), stamp: null };
    if (lastContent.length > 0 && reading.text.trim() === '') {
      return spoilt(fileProblem({ file: path, line: 1 }, EMPTIED_RULE));
    }
    const decoded = await readContent(path, reading.text, lastContent);
    return decoded.ok ? { path, stamp, content: decoded.content, problem: null } : spoilt(decoded.problem);
  }

  #findUnsettled(tree: ManifestTree): ReadonlyMap<string, number> {
    const nowMs = Date.now();
    const unsettled = new Map<string, number>();
    for (const { path, stamp, modifiedAtMs } of tree.files) {
      if (Math.abs(nowMs - modifiedAtMs) >= SETTLE_MS || this.#files.get(path)?.stamp === stamp) continue;
      const sinceMs = this.#unsettledSinceMs.get(path) ?? nowMs;
      if (nowMs - sinceMs < MAX_SETTLE_MS) unsettled.set(path, sinceMs);
    }
    return unsettled;
  }

  /** Files below something that cannot be looked at just now stay as they were. A given file that is gone is gone. */
  #keepUnseen(files: Map<string, LoadedFile>, faults: readonly TreeFault[]): Map<string, LoadedFile> {
    const isHidden = (path: string): boolean =>
      faults.some((fault) => isBelow(path, fault.path) || (!fault.missing && resolve(path) === resolve(fault.path)));
    const kept = [...this.#files.values()].filter((file) => !files.has(file.path) && isHidden(file.path));
    if (kept.length === 0) return files;
    for (const file of kept) files.set(file.path, file);
    return new Map([...files].toSorted(([a], [b]) => this.#rankOf(a) - this.#rankOf(b) || comparePaths(a, b)));
  }

  /** Place of the given path that leads to a file. */
  #rankOf(path: string): number {
    return this.#paths.findIndex((root) => resolve(path) === resolve(root) || isBelow(path, root));
  }
}

const EMPTIED_RULE = 'must not be emptied: delete the file to delete its objects';

function isSameMap(a: ReadonlyMap<string, LoadedFile>, b: ReadonlyMap<string, LoadedFile>): boolean {
  if (a.size !== b.size) return false;
  for (const [path, file] of a) if (b.get(path) !== file) return false;
  return true;
}

function isBelow(path: string, folder: string): boolean {
  const parent = resolve(folder);
  return resolve(path).startsWith(parent.endsWith('/') ? parent : `${parent}/`);
}

/** Name by name, as the tree is walked: what is in `a/` comes before `a.yaml`. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')];
  return left < right ? -1 : left > right ? 1 : 0;
}

function treeProblem(fault: TreeFault): Problem {
  return {
    severity: 'error',
    object: null,
    position: { file: fault.path, line: 1 },
    field: '',
    rule: fault.rule,
    value: '',
    effect: 'what was read below it before stays in use',
  };
}
