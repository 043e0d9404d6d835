import { constants } from 'node:os';
import { RequestError } from '../../core/ipc/pendingRequests.ts';
import { MAX_DESCRIPTORS_PER_MESSAGE } from '../../core/os/descriptorMessage.ts';
import { SystemError } from '../../core/os/systemError.ts';
import { planListeners, type ListenerPlan, type ListenerStep } from './listenerPlan.ts';
import { closeListener, openListener, openListenerPatiently, transportOf, type OpenListener } from './listenerSockets.ts';
import type { ListenerAddress } from '../../core/ipc/messages.ts';

/** What became of one wanted listener. */
export type ListenerOutcome =
  /** Open, with the port that is bound. */
  | { readonly type: 'open'; readonly listener: ListenerAddress; readonly port: number }
  /** Not open; it is tried again when it is still wanted the next time. `error` is a SystemError when the system refused it. */
  | { readonly type: 'failed'; readonly listener: ListenerAddress; readonly error: Error };

/** The running proxy process, as far as listeners go. Both reject with RequestError when it is gone. */
export interface ListenerTaker {
  /** Hands over one batch and has the workers accept; rejects with another error when the proxy could not take it. */
  listen(listeners: readonly OpenListener[]): Promise<void>;
  /** Resolves when no worker accepts there any more. */
  unlisten(listeners: readonly OpenListener[]): Promise<void>;
}

export interface ProxyListenersOptions {
  readonly workers: number;
  /** How many descriptors the controller may hold, and the proxy. */
  readonly descriptorLimit: number;
}

/** What a wanted listener has come to. */
type Result = OpenListener | Error;

/** The outcomes when nothing can be opened. */
export function refuseAll(wanted: readonly ListenerAddress[], error: Error): readonly ListenerOutcome[] {
  return wanted.map((listener) => ({ type: 'failed', listener, error }));
}

/** The proxy holds each socket twice: the process's own, and its worker's duplicate. */
const DESCRIPTORS_PER_SOCKET = 2;
/** Ours: listeners may take this share of the descriptors; the rest is for connections. */
const SHARE_OF_LISTENERS = 0.5;

/**
 * The sockets of all listeners, which outlive every proxy process: the fixed ones of the start and the set that changes
 * while the proxy runs. Calls of `openFixed`, `set` and `handOver` must come one after the other.
 */
export class ProxyListeners {
  readonly #workers: number;
  readonly #maxListeners: number;
  readonly #descriptorLimit: number;
  #fixed: readonly OpenListener[] = [];
  /** Id → listener. */
  readonly #dynamic = new Map<number, OpenListener>();
  /** Port of a transport and family → how many listen there, and how many of them on the wildcard. */
  readonly #ports = new Map<string, { readonly listeners: number; readonly wildcards: number }>();
  #lastId = 0;

  constructor({ workers, descriptorLimit }: ProxyListenersOptions) {
    this.#workers = workers;
    this.#descriptorLimit = descriptorLimit;
    this.#maxListeners = Math.floor((descriptorLimit * SHARE_OF_LISTENERS) / (DESCRIPTORS_PER_SOCKET * workers));
  }

  /** All that are open, fixed ones first. */
  get open(): readonly OpenListener[] {
    return [...this.#fixed, ...this.#dynamic.values()];
  }

  /** Opens listeners that stay until `closeAll`; an address in use is tried for 2 s. All or none: rejects with SystemError or TypeError. */
  async openFixed(addresses: readonly ListenerAddress[]): Promise<void> {
    try {
      for (const listener of addresses) {
        const open = await openListenerPatiently(this.#request(listener));
        this.#fixed = [...this.#fixed, open];
        this.#count(open, 1);
      }
    } catch (error) {
      for (const listener of this.#fixed) this.#close(listener);
      this.#fixed = [];
      throw error;
    }
  }

  /** Opens and closes listeners until the set is `wanted`, beside the fixed ones. Answers in the order of `wanted`; never rejects. */
  async set(wanted: readonly ListenerAddress[], taker: ListenerTaker | null): Promise<readonly ListenerOutcome[]> {
    // Entries are told apart by identity.
    const entries = wanted.map((listener) => ({ ...listener }));
    const plan = planListeners(entries, { fixed: this.#fixed, dynamic: [...this.#dynamic.values()] });
    const [added] = await Promise.all([this.#add(stepsOf(plan, 'add'), taker), this.#withdraw(plan.unwanted, taker)]);
    const results = new Map([...added, ...await this.#add(stepsOf(plan, 'replace'), taker)]);
    return entries.map((listener) => printOutcome(listener, resultOf(listener, plan, results)));
  }

  /** Hands everything that is open to a process that has just started. Rejects as ListenerTaker.listen does. */
  async handOver(taker: ListenerTaker): Promise<void> {
    for (const batch of this.#batches(this.open)) await taker.listen(batch);
  }

  /** Gives up all sockets. */
  closeAll(): void {
    for (const listener of this.open) this.#close(listener);
    this.#fixed = [];
  }

  async #add(wanted: readonly ListenerAddress[], taker: ListenerTaker | null): Promise<ReadonlyMap<ListenerAddress, Result>> {
    const results = new Map(wanted.map((listener) => [listener, this.#tryOpen(listener)]));
    const failures = await this.#hand([...results.values()].filter((result): result is OpenListener => !(result instanceof Error)), taker);
    return new Map([...results].map(([listener, result]) => [listener, failures.get(result) ?? result]));
  }

  #tryOpen(listener: ListenerAddress): Result {
    try {
      const open = openListener(this.#request(listener));
      this.#dynamic.set(open.id, open);
      this.#count(open, 1);
      return open;
    } catch (error) {
      return toError(error);
    }
  }

  /** Answers those that the proxy could not take, which are closed again. One that is gone leaves all to the next one. */
  async #hand(opened: readonly OpenListener[], taker: ListenerTaker | null): Promise<ReadonlyMap<Result, Error>> {
    const failures = new Map<Result, Error>();
    if (taker === null) return failures;
    for (const batch of this.#batches(opened)) {
      const failure = await taker.listen(batch).then(() => null, toError);
      if (failure instanceof RequestError) break;
      if (failure === null) continue;
      for (const listener of batch) {
        failures.set(listener, failure);
        this.#close(listener);
      }
    }
    return failures;
  }

  /** One message of the descriptor channel each; with more workers than it carries, one listener each. */
  #batches(listeners: readonly OpenListener[]): readonly (readonly OpenListener[])[] {
    const size = Math.max(1, Math.floor(MAX_DESCRIPTORS_PER_MESSAGE / this.#workers));
    return Array.from({ length: Math.ceil(listeners.length / size) }, (_, index) => listeners.slice(index * size, (index + 1) * size));
  }

  async #withdraw(unwanted: readonly OpenListener[], taker: ListenerTaker | null): Promise<void> {
    // One that is gone accepts nowhere.
    if (unwanted.length > 0) await taker?.unlisten(unwanted).catch(() => {});
    for (const listener of unwanted) this.#close(listener);
  }

  #request(listener: ListenerAddress): Parameters<typeof openListener>[0] {
    const open = this.#fixed.length + this.#dynamic.size;
    if (open >= this.#maxListeners) {
      const subject = `${listener.address}:${listener.port} beside ${open} listeners, which take half of ${this.#descriptorLimit} descriptors`;
      throw new SystemError({ syscall: 'open sockets for', errno: constants.errno.EMFILE, subject });
    }
    this.#lastId += 1;
    return { id: this.#lastId, listener, workers: this.#workers, exclusive: !this.#standsBesideOwn(listener) };
  }

  /** Of a wildcard and the addresses it covers the more specific one gets the connections, so both may be ours. */
  #standsBesideOwn(listener: ListenerAddress): boolean {
    const { listeners, wildcards } = this.#ports.get(portKeyOf(listener)) ?? { listeners: 0, wildcards: 0 };
    return isWildcard(listener) ? listeners > wildcards : wildcards > 0;
  }

  #count(listener: OpenListener, step: 1 | -1): void {
    const key = portKeyOf(listener);
    const { listeners, wildcards } = this.#ports.get(key) ?? { listeners: 0, wildcards: 0 };
    if (listeners + step === 0) this.#ports.delete(key);
    else this.#ports.set(key, { listeners: listeners + step, wildcards: isWildcard(listener) ? wildcards + step : wildcards });
  }

  #close(listener: OpenListener): void {
    this.#dynamic.delete(listener.id);
    this.#count(listener, -1);
    closeListener(listener);
  }
}

function stepsOf(plan: ListenerPlan, type: ListenerStep['type']): readonly ListenerAddress[] {
  return [...plan.steps].flatMap(([listener, step]) => (step.type === type ? [listener] : []));
}

function resultOf(listener: ListenerAddress, plan: ListenerPlan, results: ReadonlyMap<ListenerAddress, Result>): Result | undefined {
  const step = plan.steps.get(listener);
  switch (step?.type) {
    case 'keep': return step.open;
    case 'refuse': return portTaken(listener);
    case 'same': return resultOf(step.as, plan, results);
    case 'add':
    case 'replace':
    case undefined: return results.get(listener);
  }
}

function printOutcome(listener: ListenerAddress, result: Result | undefined): ListenerOutcome {
  if (result === undefined) throw new Error(`nothing has become of ${listener.address}:${listener.port}`);
  return result instanceof Error ? { type: 'failed', listener, error: result } : { type: 'open', listener, port: result.port };
}

function portTaken({ protocol, address, port }: ListenerAddress): SystemError {
  const subject = `${address}:${port} for ${protocol} beside another listener of Gatehouse`;
  return new SystemError({ syscall: 'open sockets for', errno: constants.errno.EADDRINUSE, subject });
}

function portKeyOf(listener: ListenerAddress): string {
  return `${transportOf(listener.protocol)} ${listener.address.includes(':') ? 'IPv6' : 'IPv4'} ${listener.port}`;
}

function isWildcard({ address }: ListenerAddress): boolean {
  return address === '0.0.0.0' || address === '::';
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
