interface Timed {
  readonly atMs: number;
  /** Events of one moment happen in the order they were added. */
  readonly order: number;
  readonly run: () => void;
}

/** What happens next in a simulation: a binary heap. */
export class EventHeap {
  readonly #items: Timed[] = [];
  #count = 0;

  add(atMs: number, run: () => void): void {
    this.#count += 1;
    let at = this.#items.push({ atMs, order: this.#count, run }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  nextMs(): number {
    return this.#items[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  take(): Timed | undefined {
    const [first] = this.#items;
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return first;
    this.#items[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < this.#items.length && this.#isBefore(child, least)) least = child;
      if (least === at) return first;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#at(a), this.#at(b)];
    return one.atMs === other.atMs ? one.order < other.order : one.atMs < other.atMs;
  }

  #swap(a: number, b: number): void {
    const item = this.#at(a);
    this.#items[a] = this.#at(b);
    this.#items[b] = item;
  }

  #at(index: number): Timed {
    const item = this.#items[index];
    if (item === undefined) throw new RangeError(`no event ${index}`);
    return item;
  }
}
