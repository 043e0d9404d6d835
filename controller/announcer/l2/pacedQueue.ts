/** Ours: at most so many frames that nobody asked for in so many ms, so that 1,000 VIPs flood no switch. */
export const MAX_FRAMES_PER_WINDOW = 50;
export const WINDOW_MS = 10;

/** One step of work sends at most this many frames, unless it asks how many are left. */
const FRAMES_OF_A_STEP = 2;

interface Entry<T> {
  readonly dueMs: number;
  /** Of entries that are due at the same time, the one added first goes first. */
  readonly order: number;
  readonly item: T;
}

/** What is due on one interface, in order of time (a binary heap), as fast as the pace allows. */
export class PacedQueue<T> {
  readonly #heap: Entry<T>[] = [];
  #added = 0;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #spent = 0;

  /** Adds an item that is due at `dueMs`. */
  add(dueMs: number, item: T): void {
    this.#heap.push({ dueMs, order: (this.#added += 1), item });
    this.#rise(this.#heap.length - 1);
  }

  /** When `run` has something to do; null: never. */
  nextMs(): number | null {
    const first = this.#heap[0];
    if (first === undefined) return null;
    return this.#isSpent() ? Math.max(first.dueMs, this.#windowStartMs + WINDOW_MS) : first.dueMs;
  }

  /** Performs what is due; `perform` is told how many frames may still go, and answers how many went: two, or as many as may. */
  run(nowMs: number, perform: (item: T, framesLeft: number) => number): void {
    if (nowMs >= this.#windowStartMs + WINDOW_MS) [this.#windowStartMs, this.#spent] = [nowMs, 0];
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs && !this.#isSpent(); first = this.#heap[0]) {
      this.#takeFirst();
      this.#spent += perform(first.item, MAX_FRAMES_PER_WINDOW - this.#spent);
    }
  }

  #isSpent(): boolean {
    return this.#spent + FRAMES_OF_A_STEP > MAX_FRAMES_PER_WINDOW;
  }

  #takeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfEarlier(at, parent)) return;
      at = parent;
    }
  }

  #sink(from: number): void {
    let at = from;
    for (;;) {
      const left = at * 2 + 1;
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, at)) return;
      at = child;
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const [lower, upper] = [this.#heap[child], this.#heap[parent]];
    if (lower === undefined || upper === undefined || !this.#isEarlier(child, parent)) return false;
    this.#heap[child] = upper;
    this.#heap[parent] = lower;
    return true;
  }

  #isEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined) return false;
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
  }
}
