/** Ours: how long the kernel may take with the ports of a new VIP before that is answered for anyway. */
const KERNEL_WAIT_MS = 2_000;

/** VIPs whose ports the kernel does not have yet. */
export class KernelWaits {
  readonly #waits = new Map<string, { readonly generation: number; readonly untilMs: number }>();

  has(address: string): boolean {
    return this.#waits.has(address);
  }

  add(address: string, generation: number, nowMs: number): void {
    this.#waits.set(address, { generation, untilMs: nowMs + KERNEL_WAIT_MS });
  }

  /** The kernel has the ports of a generation, or never will. True: something waited for them. */
  answered(generation: number): boolean {
    return this.#end((wait) => wait.generation <= generation);
  }

  /** True: the time of something is over. */
  expire(nowMs: number): boolean {
    return this.#end((wait) => nowMs >= wait.untilMs);
  }

  /** Forgets what is not wanted. */
  keep(isWanted: (address: string) => boolean): void {
    this.#end((_wait, address) => !isWanted(address));
  }

  #end(isOver: (wait: { readonly generation: number; readonly untilMs: number }, address: string) => boolean): boolean {
    const over = [...this.#waits].filter(([address, wait]) => isOver(wait, address));
    for (const [address] of over) this.#waits.delete(address);
    return over.length > 0;
  }
}
