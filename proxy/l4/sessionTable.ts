/** What a table knows a session by. */
export interface TableSession {
  readonly key: string;
  /** Address of its client. */
  readonly address: string;
  /**
   * The client has answered a reply, so it is where it says it is. Others may be forged: they give way first. Set by the table.
   */
  isAssured: boolean;
}

export interface SessionBounds {
  readonly total: number;
  readonly perAddress: number;
}

interface AddressSessions<S> {
  count: number;
  /** Not assured; the one touched longest ago first. */
  readonly unassured: Set<S>;
}

/**
 * The UDP sessions of one listener under two bounds. A full table makes room by giving up the session that was silent for
 * the longest among those that are not assured, so that a flood of forged addresses displaces itself alone.
 */
export class SessionTable<S extends TableSession> {
  readonly #byKey = new Map<string, S>();
  readonly #byAddress = new Map<string, AddressSessions<S>>();
  /** Not assured; the one touched longest ago first. */
  readonly #unassured = new Set<S>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): S | undefined {
    return this.#byKey.get(key);
  }

  values(): IterableIterator<S> {
    return this.#byKey.values();
  }

  /** What has to go before a session of `address` may be added: null: nothing; `full`: it may not be added. */
  obstacle(address: string, bounds: SessionBounds): S | 'full' | null {
    const own = this.#byAddress.get(address);
    if (own !== undefined && own.count >= bounds.perAddress) return firstOf(own.unassured) ?? 'full';
    if (this.#byKey.size >= bounds.total) return firstOf(this.#unassured) ?? 'full';
    return null;
  }

  add(session: S): void {
    this.#byKey.set(session.key, session);
    const own = this.#byAddress.get(session.address) ?? { count: 0, unassured: new Set<S>() };
    own.count += 1;
    this.#byAddress.set(session.address, own);
    this.#unassured.add(session);
    own.unassured.add(session);
  }

  /** The client has sent something. */
  touch(session: S): void {
    if (session.isAssured) return;
    this.#move(session, this.#unassured);
    const own = this.#byAddress.get(session.address);
    if (own !== undefined) this.#move(session, own.unassured);
  }

  assure(session: S): void {
    session.isAssured = true;
    this.#unassured.delete(session);
    this.#byAddress.get(session.address)?.unassured.delete(session);
  }

  delete(session: S): void {
    if (!this.#byKey.delete(session.key)) return;
    this.#unassured.delete(session);
    const own = this.#byAddress.get(session.address);
    if (own === undefined) return;
    own.unassured.delete(session);
    own.count -= 1;
    if (own.count === 0) this.#byAddress.delete(session.address);
  }

  #move(session: S, order: Set<S>): void {
    if (order.size === 1) return;
    order.delete(session);
    order.add(session);
  }
}

function firstOf<T>(all: ReadonlySet<T>): T | undefined {
  for (const one of all) return one;
  return undefined;
}
