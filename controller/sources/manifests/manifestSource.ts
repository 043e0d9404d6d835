import { isDeepStrictEqual } from 'node:util';
import { ChangeTimer } from './changeTimer.ts';
import { FolderWatch } from './folderWatch.ts';
import { ManifestLoader } from './manifestLoader.ts';
import type { Source, SourceBatch } from '../source.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** Where manifests are and how soon changes to them are taken. Times are ms; the defaults are ours. */
export interface ManifestSourceOptions {
  /** Files and folders. The order decides which of two copies of an object counts: the first. */
  readonly paths: readonly string[];
  /** A change is taken once the files have been quiet this long; default 50. */
  readonly debounceMs?: number;
  /** A change is taken at the latest after this long, however busy the files are; default 200. */
  readonly maxDelayMs?: number;
  /** The files are looked at this often even when nothing seems to change (network file systems); default 5000. */
  readonly rescanMs?: number;
}

/** How often the files are looked at when the system cannot watch them: changes are to be served within 500 ms. */
const UNWATCHED_RESCAN_MS = 250;

/** A source of the objects in manifest files. `start` throws ManifestPathError when a given path does not exist. */
export function createManifestSource(options: ManifestSourceOptions): Source {
  return new ManifestSource(options);
}

type OnBatch = (batch: SourceBatch) => void;

class ManifestSource implements Source {
  readonly #options: ManifestSourceOptions;
  readonly #loader: ManifestLoader;
  readonly #timer: ChangeTimer;
  readonly #watch: FolderWatch;
  readonly #stopped = new AbortController();
  #onBatch: OnBatch = () => {};
  #rescan: NodeJS.Timeout | null = null;
  #watchProblem: Problem | null = null;
  /** What downstream was told last. */
  #problems: readonly Problem[] = [];
  #started: Promise<void> | null = null;
  /** Every reading waits for the one before. */
  #reading: Promise<void> = Promise.resolve();
  /** A reading is waiting for its turn; it will see whatever changes until then. */
  #waiting = false;

  constructor(options: ManifestSourceOptions) {
    this.#options = options;
    this.#loader = new ManifestLoader(options.paths);
    const times = { quietMs: options.debounceMs ?? 50, maxDelayMs: options.maxDelayMs ?? 200 };
    this.#timer = new ChangeTimer(times, () => this.#read());
    this.#watch = new FolderWatch({
      onChange: () => this.#timer.touch(),
      onFault: (code) => this.#watchFault(code),
    });
  }

  start(onBatch: OnBatch): Promise<void> {
    this.#started ??= this.#start(onBatch);
    return this.#started;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#timer.stop();
    this.#watch.close();
    if (this.#rescan !== null) clearInterval(this.#rescan);
    await Promise.allSettled([this.#started, this.#reading]);
  }

  async #start(onBatch: OnBatch): Promise<void> {
    this.#onBatch = onBatch;
    const batch = await this.#loader.loadFirst();
    if (this.#stopped.signal.aborted) return;
    this.#deliver(batch);
    this.#watch.follow(this.#loader.folders);
    this.#rescanEvery(this.#options.rescanMs ?? 5000);
  }

  #rescanEvery(intervalMs: number): void {
    if (this.#rescan !== null) clearInterval(this.#rescan);
    this.#rescan = setInterval(() => this.#read(), intervalMs);
  }

  #watchFault(code: string): void {
    if (this.#watchProblem !== null) return;
    this.#watchProblem = {
      severity: 'warning',
      object: null,
      position: null,
      field: '',
      rule: 'manifest folders must be watchable by the system (on Linux: sysctl fs.inotify.max_user_watches)',
      value: code,
      effect: `they are looked at every ${UNWATCHED_RESCAN_MS} ms instead`,
    };
    this.#rescanEvery(UNWATCHED_RESCAN_MS);
    this.#timer.touch();
  }

  #read(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    // A batch that downstream cannot take is a fault of the program: it is left to end the process.
    this.#reading = this.#reading.then(async () => {
      this.#waiting = false;
      if (this.#stopped.signal.aborted) return;
      const batch = await this.#loader.load();
      if (this.#stopped.signal.aborted) return;
      this.#deliverChange(batch);
      this.#watch.follow(this.#loader.folders);
      if (this.#loader.unsettled) this.#timer.touch();
    });
  }

  #deliverChange(batch: SourceBatch): void {
    const problems = this.#watchProblem === null ? batch.problems : [this.#watchProblem, ...batch.problems];
    const changed = batch.upserts.length > 0 || batch.deletes.length > 0;
    if (changed || !isDeepStrictEqual(problems, this.#problems)) this.#deliver({ ...batch, problems });
  }

  #deliver(batch: SourceBatch): void {
    this.#problems = batch.problems;
    this.#onBatch(batch);
  }
}
