/**
 * The field lines of one message section in the order received (RFC 9110 section 5). Octets are latin1 characters.
 * Names keep the spelling received; look-ups take lower-case names. A flat array, not an object: nothing that a peer
 * sends becomes a property name, repeated fields stay apart, and the hot path allocates one array per message.
 */
export class Fields {
  /** name, lower-case name, value, name, lower-case name, value, … */
  readonly #flat: string[] = [];

  /** Adds one field line behind the others. `lowerName` must be `name` in lower case. */
  append(name: string, lowerName: string, value: string): void {
    this.#flat.push(name, lowerName, value);
  }

  /** Number of field lines. */
  get size(): number {
    return this.#flat.length / 3;
  }

  /** Value of the first line of that name; undefined when there is none. */
  get(lowerName: string): string | undefined {
    const flat = this.#flat;
    for (let index = 1; index < flat.length; index += 3) if (flat[index] === lowerName) return flat[index + 1];
    return undefined;
  }

  /** Values of all lines of that name, in order. */
  getAll(lowerName: string): string[] {
    const values: string[] = [];
    const flat = this.#flat;
    for (let index = 1; index < flat.length; index += 3) {
      if (flat[index] === lowerName) values.push(flat[index + 1] as string);
    }
    return values;
  }

  /** Replaces every line of that name by one at the first one's place, or appends it. */
  set(name: string, lowerName: string, value: string): void {
    const flat = this.#flat;
    for (let index = 1; index < flat.length; index += 3) {
      if (flat[index] !== lowerName) continue;
      flat[index - 1] = name;
      flat[index + 1] = value;
      this.#deleteFrom(index + 2, lowerName);
      return;
    }
    flat.push(name, lowerName, value);
  }

  /** Removes every line of that name. */
  delete(lowerName: string): void {
    this.#deleteFrom(0, lowerName);
  }

  /** Keeps the lines `keeps` answers true for, in order; one pass whatever is removed. */
  retain(keeps: (lowerName: string) => boolean): void {
    const flat = this.#flat;
    let kept = 0;
    for (let index = 0; index < flat.length; index += 3) {
      if (!keeps(flat[index + 1] as string)) continue;
      if (kept !== index) {
        flat[kept] = flat[index] as string;
        flat[kept + 1] = flat[index + 1] as string;
        flat[kept + 2] = flat[index + 2] as string;
      }
      kept += 3;
    }
    if (kept !== flat.length) flat.length = kept;
  }

  /** Calls back for each line in order. */
  forEach(visit: (name: string, lowerName: string, value: string) => void): void {
    const flat = this.#flat;
    for (let index = 0; index < flat.length; index += 3) {
      visit(flat[index] as string, flat[index + 1] as string, flat[index + 2] as string);
    }
  }

  #deleteFrom(start: number, lowerName: string): void {
    const flat = this.#flat;
    let kept = start;
    for (let index = start; index < flat.length; index += 3) {
      if (flat[index + 1] === lowerName) continue;
      if (kept !== index) {
        flat[kept] = flat[index] as string;
        flat[kept + 1] = flat[index + 1] as string;
        flat[kept + 2] = flat[index + 2] as string;
      }
      kept += 3;
    }
    flat.length = kept;
  }
}
