import { readFileSync, renameSync, statSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../../core/log/logger.ts';
import type { Assignments } from '../allocator/assignment.ts';
import { printAssignments, readAssignments } from './assignmentText.ts';

/** Keeps assignments in a file, so that Services have the same addresses after a restart. */
export interface AssignmentStore {
  /**
   * What was kept; called once, before the first `save`. Empty when there is no file. A broken file is reported and renamed
   * to `<path>.broken`, then counts as empty. Never throws.
   */
  load(): Assignments;
  /** Keeps these from now on. Returns at once; writes in the background, several calls together, and nothing when nothing differs. */
  save(assignments: Assignments): void;
  /** Resolves once all that was saved is written, or has failed to be and is reported. */
  flush(): Promise<void>;
}

export interface AssignmentStoreOptions {
  /** Absolute path of the file; its folder is made when the first assignments are written. */
  readonly path: string;
  readonly logger: Logger;
  /** Saves within this time are written together; default 100 ms. */
  readonly delayMs?: number;
  /** How long after a failed write the next one is tried; default 5000 ms. */
  readonly retryMs?: number;
}

const DEFAULT_DELAY_MS = 100;
const DEFAULT_RETRY_MS = 5_000;

/** A file beyond this is not read (ours): 100,000 Services need a tenth of it. */
const MAX_FILE_BYTES = 128 * 1024 * 1024;

/** A store on one file, whose only writer it is. */
export function createAssignmentStore(options: AssignmentStoreOptions): AssignmentStore {
  const { path, logger, delayMs = DEFAULT_DELAY_MS, retryMs = DEFAULT_RETRY_MS } = options;
  /** What the file holds. */
  let written = printAssignments(new Map());
  /** What it shall hold; null: what it holds. */
  let wanted: Assignments | null = null;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> | null = null;

  function schedule(afterMs: number): void {
    timer ??= setTimeout(() => void write(), afterMs);
    // What is not written yet is written by `flush`: the timer need not keep the process alive.
    timer.unref();
  }
  function cancel(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  }
  function write(): Promise<void> {
    cancel();
    writing ??= writeWanted().finally(() => {
      writing = null;
    });
    return writing;
  }
  async function writeWanted(): Promise<void> {
    while (wanted !== null) {
      const assignments = wanted;
      wanted = null;
      const text = printAssignments(assignments);
      if (text === written) continue;
      try {
        await replaceFile(path, text);
        written = text;
      } catch (error) {
        wanted ??= assignments;
        logger.error('addresses of Services could not be saved; after a restart they may differ', { path, error });
        schedule(retryMs);
        return;
      }
    }
  }
  return {
    load: () => {
      const assignments = loadFile(path, logger);
      written = printAssignments(assignments);
      return assignments;
    },
    save: (assignments) => {
      if (assignments === wanted) return;
      wanted = assignments;
      // A write under way takes the latest when it is done; after a failed one the retry does.
      if (writing === null) schedule(delayMs);
    },
    flush: async () => {
      await write();
      // What came while the last write was under way has been written by it; a failure is left to nobody now.
      cancel();
    },
  };
}

/** Replaces the file in one step: whatever happens, it holds the old text or the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the rename last through a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function loadFile(path: string, logger: Logger): Assignments {
  const nothing: Assignments = new Map();
  let text: string;
  try {
    if (statSync(path).size > MAX_FILE_BYTES) {
      setAside(path, `must have at most ${MAX_FILE_BYTES} bytes`, logger);
      return nothing;
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    logger.error('the file with the addresses of Services cannot be read; they may get others', { path, error });
    return nothing;
  }
  const read = readAssignments(text);
  if (read.ok) return read.assignments;
  setAside(path, read.rule, logger);
  return nothing;
}

function setAside(path: string, rule: string, logger: Logger): void {
  const aside = `${path}.broken`;
  const message = 'the file with the addresses of Services is broken; they may get others';
  try {
    renameSync(path, aside);
    logger.error(message, { path, rule, keptAs: aside });
  } catch (error) {
    logger.error(message, { path, rule, error });
  }
}
