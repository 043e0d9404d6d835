const PENDING = 0;
const MAX = 1;
const CELLS = 2;

/**
 * A hard bound on the access log octets that one worker has under way: formatted, posted to the writer, not yet taken by
 * the operating system. It lives in shared memory, because the worker asks and the writer's thread gives back; each
 * worker has its own, so that the octets of one that died with messages unsent are forgotten with it.
 */
export class LogBudget {
  /** For `workerData`; the other thread makes its view of it. */
  readonly shared: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#cells = new Int32Array(shared);
  }

  /** False: nothing taken, drop the octets. */
  tryTake(bytes: number): boolean {
    const before = Atomics.add(this.#cells, PENDING, bytes);
    if (before + bytes <= Atomics.load(this.#cells, MAX)) return true;
    this.give(bytes);
    return false;
  }

  /** Gives back what has been written or thrown away. */
  give(bytes: number): void {
    Atomics.sub(this.#cells, PENDING, bytes);
  }

  get pendingBytes(): number {
    return Atomics.load(this.#cells, PENDING);
  }
}

/** A budget of `maxBytes` (at most 1 GiB) with nothing taken. */
export function createLogBudget(maxBytes: number): LogBudget {
  const shared = new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(shared)[MAX] = Math.min(maxBytes, 2 ** 30);
  return new LogBudget(shared);
}
