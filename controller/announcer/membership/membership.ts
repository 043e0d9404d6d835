import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { LogFields, Logger } from '../../../core/log/logger.ts';
import type { Clock } from '../../../core/time/clock.ts';
import type { Membership, MemberState } from '../parts.ts';
import type { MemberReport } from '../report.ts';
import { readDatagram } from './datagram.ts';
import { COOKIE_OCTETS, decodeEcho, encodeEcho, groupOf, type Echo } from './echo.ts';
import { createOpen, createSeal, decodeMembershipKeys, type Open, type Seal } from './envelope.ts';
import { createMembershipSockets, type MembershipSockets } from './membershipSockets.ts';
import type { MachineAction } from './machineContext.ts';
import { newMachineCounts, type MembershipCounts, type MembershipFault } from './membershipCounts.ts';
import { MembershipMachine, type MachineEvent } from './membershipMachine.ts';
import { isMemberName } from './message.ts';
import { encodeMessage } from './messageCodec.ts';
import { DEFAULT_TIMINGS, type MembershipTimings } from './timings.ts';
import { UNKNOWN_STATE } from './stateCodec.ts';

/** What membership needs. */
export interface MembershipDependencies {
  readonly nodeName: string;
  readonly port: number;
  /** As in `AnnouncerSettings.membershipKey`; null: nothing is authenticated. */
  readonly key: string | null;
  /** Default: `0.0.0.0` and `::`, as far as the machine has them. */
  readonly bindAddresses?: readonly string[];
  readonly logger: Logger;
  /** Monotonic. */
  readonly clock: Clock;
  /** ms since the epoch; default: the system's. */
  readonly wallClock?: Clock;
  /** Called after `alive()` or `members()` have changed; never from within a call of this part. */
  readonly onChange: () => void;
  readonly timings?: Partial<MembershipTimings>;
}

/** Membership with what only its own process asks of it. */
export interface GossipMembership extends Membership {
  /**
   * Opens the port and asks all nodes that were named before. Resolves once each has answered, or after half a second: until then
   * `alive()` says little. Throws when the port is in use.
   */
  start(): Promise<void>;
  /** Asks at once for everybody who is gone: an interface has come up. */
  refresh(): void;
  /** Closes the port without a word: another process goes on under the name of this node. */
  abandon(): Promise<void>;
  counts(): MembershipCounts;
  /** What is wrong between this node and the others. */
  troubles(): MembershipTroubles;
}

/** In words for people, who can do something about it. */
export interface MembershipTroubles {
  /** Why this node must own nothing, though it lives: others count without it. Null: it may. */
  readonly doubt: string | null;
  /** All there is to say, the doubt included. */
  readonly problems: readonly string[];
}

/** Leaving is said this often: datagrams get lost, and nobody asks again. */
const FAREWELLS = 3;
const FAREWELL_GAP_MS = 20;
/** Between two lines about the same trouble: a broken network, or another key, shows with every datagram. */
const LOG_GAP_MS = 60_000;
/** Ours: whose datagrams could not be opened within this time is told. */
const UNREADABLE_MS = 10_000;
/** Ours: echo requests that are answered in a second, whoever asks. */
const ECHOES_PER_SECOND = 200;

/**
 * Gossip with the announcers of other nodes over UDP. Throws RangeError for a key that is too short or no base64, and for a node name
 * that cannot be sent.
 */
export function createMembership(dependencies: MembershipDependencies): GossipMembership {
  if (!isMemberName(dependencies.nodeName)) throw new RangeError('the node name is not 1 to 253 characters of ASCII');
  return new GossipMember(dependencies, dependencies.key === null ? [] : decodeMembershipKeys(dependencies.key));
}

/** Of this machine as it is now, loopback excluded. */
function localAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).filter(({ internal }) => !internal).map(({ address }) => address);
}

/** `more than 100`: a count that changes all the time would be news all the time. */
function magnitude(count: number): string {
  return count < 10 ? 'some' : `more than ${10 ** Math.floor(Math.log10(count))}`;
}

/** Carries datagrams and time to the machine, and does what it says. */
class GossipMember implements GossipMembership {
  readonly #dependencies: MembershipDependencies;
  readonly #wallClock: Clock;
  readonly #isKeyed: boolean;
  readonly #group: string;
  readonly #boot = randomBytes(8).toString('hex');
  readonly #seal: Seal;
  readonly #open: Open;
  readonly #sockets: MembershipSockets;
  readonly #settled = Promise.withResolvers<void>();
  /** Of datagrams that never reached the machine. */
  readonly #faults = newMachineCounts().faults;
  #machine: MembershipMachine | null = null;
  #nodes: ReadonlyMap<string, readonly string[]> = new Map();
  #state: MemberState = UNKNOWN_STATE;
  #timer: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | null = null;
  #received = 0;
  /** By node: datagrams from its addresses that could not be opened, and when the last one came. */
  readonly #unreadable = new Map<string, { count: number; lastMs: number }>();
  #echoes = { untilMs: 0, left: 0 };
  #isChangePending = false;
  #starting: Promise<void> | null = null;
  /** By message: when it was logged last. */
  readonly #loggedMs = new Map<string, number>();

  constructor(dependencies: MembershipDependencies, keys: readonly Buffer[]) {
    const [key = null] = keys;
    this.#dependencies = dependencies;
    this.#wallClock = dependencies.wallClock ?? { now: () => Date.now() };
    this.#isKeyed = key !== null;
    this.#group = groupOf(key);
    this.#seal = createSeal(key, this.#boot);
    this.#open = createOpen(keys);
    this.#sockets = createMembershipSockets({
      port: dependencies.port,
      bindAddresses: dependencies.bindAddresses ?? ['0.0.0.0', '::'],
      onDatagram: (datagram, address) => this.#receive(datagram, address),
      onSendError: (address, error) => this.#sendFailed(address, error),
      onError: (error) => this.#warn('the socket of membership reports an error', { error }),
    });
  }

  start(): Promise<void> {
    this.#starting ??= this.#join().catch((error: unknown) => {
      this.#starting = null;
      throw error;
    });
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#leave();
    return this.#stopping;
  }

  setNodes(nodes: ReadonlyMap<string, readonly string[]>): void {
    this.#nodes = nodes;
    for (const node of this.#unreadable.keys()) if (!nodes.has(node)) this.#unreadable.delete(node);
    this.#dispatch({ type: 'nodes', nodes: this.#reachable() });
  }

  setState(state: MemberState): void {
    this.#state = state;
    this.#dispatch({ type: 'state', state });
  }

  refresh(): void {
    this.#dispatch({ type: 'refresh' });
  }

  abandon(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  alive(): ReadonlyMap<string, MemberState> {
    return this.#machine?.alive() ?? new Map([[this.#dependencies.nodeName, this.#state]]);
  }

  members(): readonly MemberReport[] {
    const wallMs = this.#wallClock.now() - this.#dependencies.clock.now();
    const members = this.#machine?.members() ?? [];
    return members
      .map(({ node, address, status, sinceMs, serving }) => ({ node, address, state: status, sinceMs: Math.round(wallMs + sinceMs), serving }))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  troubles(): MembershipTroubles {
    const nowMs = this.#dependencies.clock.now();
    const doubt = this.#machine?.doubt() ?? null;
    const unreadable = [...this.#unreadable].filter(([, { lastMs }]) => nowMs - lastMs < UNREADABLE_MS);
    const problems = unreadable.map(([node, { count }]) =>
      `membership: ${node} has another key than ${this.#dependencies.nodeName}, or none: ${magnitude(count)} datagrams from it could not be opened`);
    return { doubt, problems: doubt === null ? problems : [`membership: this node owns nothing: ${doubt}`, ...problems] };
  }

  counts(): MembershipCounts {
    const counts = this.#machine?.counts() ?? newMachineCounts();
    const faults = { ...counts.faults };
    for (const fault of Object.keys(faults) as MembershipFault[]) faults[fault] += this.#faults[fault];
    return { ...counts, received: this.#received, faults };
  }

  async #join(): Promise<void> {
    await this.#sockets.open();
    if (this.#stopping !== null) return this.#sockets.close();
    const { nodeName: node, clock, timings } = this.#dependencies;
    const nowMs = clock.now();
    this.#machine = new MembershipMachine({
      node,
      boot: this.#boot,
      incarnation: Math.max(0, Math.floor(this.#wallClock.now())),
      isKeyed: this.#isKeyed,
      timings: { ...DEFAULT_TIMINGS, ...timings },
      random: Math.random,
      group: this.#group,
      cookie: () => randomBytes(COOKIE_OCTETS).toString('hex'),
      localAddresses,
    }, nowMs);
    // Not by `#dispatch`: of no nodes at all, all have answered, and that would count as settled.
    this.#carryOut(this.#machine.handle({ type: 'state', state: this.#state }, nowMs));
    this.#dispatch({ type: 'nodes', nodes: this.#reachable() });
    return this.#settled.promise;
  }

  async #leave(): Promise<void> {
    const farewells = this.#machine?.handle({ type: 'leave' }, this.#dependencies.clock.now()) ?? [];
    clearTimeout(this.#timer);
    this.#settled.resolve();
    for (let count = 0; count < FAREWELLS && farewells.length > 0; count += 1) {
      if (count > 0) await new Promise((resolve) => setTimeout(resolve, FAREWELL_GAP_MS));
      // Sealed anew each time, as a repeated datagram is none to whoever has the first.
      this.#carryOut(farewells);
    }
    await this.#sockets.close();
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#settled.resolve();
    await this.#sockets.close();
  }

  /** Before the port is open nothing is lost: `start` tells the machine. */
  #dispatch(event: MachineEvent): void {
    const { clock } = this.#dependencies;
    if (this.#machine === null || this.#stopping !== null) return;
    this.#carryOut(this.#machine.handle(event, clock.now()));
    this.#schedule(this.#machine, clock.now());
  }

  #schedule(machine: MembershipMachine, nowMs: number): void {
    const isSettled = machine.isSettled(nowMs);
    if (isSettled) this.#settled.resolve();
    const wakeMs = isSettled ? machine.wakeAtMs() : Math.min(machine.wakeAtMs(), machine.settledAtMs());
    clearTimeout(this.#timer);
    if (Number.isFinite(wakeMs)) this.#timer = setTimeout(() => this.#dispatch({ type: 'tick' }), Math.max(0, Math.ceil(wakeMs - nowMs)));
  }

  #carryOut(actions: readonly MachineAction[]): void {
    for (const action of actions) {
      switch (action.type) {
        case 'send':
          this.#sockets.send(this.#seal(encodeMessage(action.message)), action.address);
          break;
        case 'echo':
          this.#sockets.send(encodeEcho({ type: 'request', cookie: action.cookie, group: this.#group }), action.address);
          break;
        case 'changed':
          this.#tellChange();
          break;
        case 'log':
          this.#dependencies.logger[action.level](action.message, action.fields);
      }
    }
  }

  /** Once for all that happens together. */
  #tellChange(): void {
    if (this.#isChangePending) return;
    this.#isChangePending = true;
    queueMicrotask(() => {
      this.#isChangePending = false;
      this.#dependencies.onChange();
    });
  }

  #receive(datagram: Buffer, address: string): void {
    this.#received += 1;
    const echo = decodeEcho(datagram);
    if (echo !== null) return this.#echo(echo, address);
    const read = readDatagram(this.#open, datagram);
    if (read.type === 'message') {
      this.#dispatch({ type: 'received', message: read.message, counter: read.counter, address });
      return;
    }
    this.#faults[read.fault] += 1;
    if (read.fault === 'authentication' || read.fault === 'form') this.#cannotOpen(address);
  }

  #cannotOpen(address: string): void {
    const nowMs = this.#dependencies.clock.now();
    const node = this.#nodeAt(address);
    this.#warn('a datagram is not of our group: has its sender the same membership key?', { address, node });
    if (node === null) return;
    const known = this.#unreadable.get(node) ?? { count: 0, lastMs: 0 };
    this.#unreadable.set(node, { count: known.count + 1, lastMs: nowMs });
    this.#dispatch({ type: 'unreadable', address });
  }

  /** Only nodes are answered, by as many octets as they have sent, and of those who may be made up only so many. */
  #echo({ type, cookie, group }: Echo, address: string): void {
    if (type === 'reply') return this.#dispatch({ type: 'echoed', address, cookie, group });
    const nowMs = this.#dependencies.clock.now();
    if (nowMs >= this.#echoes.untilMs) this.#echoes = { untilMs: nowMs + 1_000, left: ECHOES_PER_SECOND };
    if (this.#nodeAt(address) === null || this.#echoes.left === 0 || this.#stopping !== null) return;
    this.#echoes.left -= 1;
    this.#sockets.send(encodeEcho({ type: 'reply', cookie, group: this.#group }), address);
  }

  /** The other node that has an address; null: none. */
  #nodeAt(address: string): string | null {
    for (const [node, addresses] of this.#nodes) if (node !== this.#dependencies.nodeName && addresses.includes(address)) return node;
    return null;
  }

  #sendFailed(address: string, error: Error): void {
    if (this.#stopping === null) this.#warn('a datagram to another announcer could not be sent', { address, error });
    this.#dispatch({ type: 'sendFailed', address });
  }

  #warn(message: string, fields: LogFields): void {
    const nowMs = this.#dependencies.clock.now();
    if (nowMs - (this.#loggedMs.get(message) ?? Number.NEGATIVE_INFINITY) < LOG_GAP_MS) return;
    this.#loggedMs.set(message, nowMs);
    this.#dependencies.logger.warn(message, fields);
  }

  #reachable(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.#nodes].map(([node, addresses]) => [node, addresses.filter((address) => this.#sockets.canReach(address))]));
  }
}
