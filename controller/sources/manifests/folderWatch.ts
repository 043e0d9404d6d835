import { watch, type FSWatcher } from 'node:fs';
import { errorCode } from './manifestText.ts';

/** A folder in which changes count. */
export interface WatchedFolder {
  /** Device and inode: another one under the same path has to be watched anew. */
  readonly identity: string;
  /** Names in it whose changes count; null: all. */
  readonly names: ReadonlySet<string> | null;
}

/** Who is told about changes. */
export interface WatchListener {
  /** Something may have changed; told rather too often than too seldom. */
  onChange(): void;
  /** The system cannot watch a folder, `code` says why: changes must be looked for instead. */
  onFault(code: string): void;
}

/** Codes that mean the folder is gone or hidden by now: the next reading of the tree says so itself. */
const GONE_CODES = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM']);

interface Watch extends WatchedFolder {
  readonly watcher: FSWatcher;
}

/**
 * Watches a set of folders, one system watch each (that is how inotify tells about the files in them). Only a trigger:
 * what changed is for the reader to find out. A watch follows the folder it was made for, not its path, so `follow` is
 * told after every reading which folders there are now.
 */
export class FolderWatch {
  readonly #listener: WatchListener;
  /** path → watch. */
  readonly #watches = new Map<string, Watch>();
  #closed = false;

  constructor(listener: WatchListener) {
    this.#listener = listener;
  }

  /** Watches exactly these folders (path → folder) from now on. */
  follow(folders: ReadonlyMap<string, WatchedFolder>): void {
    if (this.#closed) return;
    for (const path of this.#watches.keys()) if (!folders.has(path)) this.#end(path);
    let opened = false;
    for (const [path, folder] of folders) {
      const watch = this.#watches.get(path);
      if (watch?.identity === folder.identity) {
        this.#watches.set(path, { ...watch, names: folder.names });
        continue;
      }
      this.#end(path);
      opened = this.#begin(path, folder) || opened;
    }
    // What changed between the reading and the watch was seen by nobody.
    if (opened) this.#listener.onChange();
  }

  close(): void {
    this.#closed = true;
    for (const path of this.#watches.keys()) this.#end(path);
  }

  #begin(path: string, folder: WatchedFolder): boolean {
    try {
      const watcher = watch(path, (_event, name) => this.#changed(path, name));
      watcher.on('error', (error) => this.#failed(path, errorCode(error)));
      this.#watches.set(path, { ...folder, watcher });
      return true;
    } catch (error) {
      this.#failed(path, errorCode(error));
      return false;
    }
  }

  #changed(path: string, name: string | null): void {
    const names = this.#watches.get(path)?.names ?? null;
    if (names === null || name === null || names.has(name)) this.#listener.onChange();
  }

  #failed(path: string, code: string): void {
    this.#end(path);
    if (!GONE_CODES.has(code)) this.#listener.onFault(code);
  }

  #end(path: string): void {
    this.#watches.get(path)?.watcher.close();
    this.#watches.delete(path);
  }
}
