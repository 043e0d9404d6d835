import type { MemberState } from '../../parts.ts';
import { readDatagram } from '../datagram.ts';
import { createOpen, createSeal, type Open, type Seal } from '../envelope.ts';
import type { MachineAction } from '../machineContext.ts';
import { MembershipMachine, type MachineEvent } from '../membershipMachine.ts';
import { encodeMessage } from '../messageCodec.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import { EventHeap } from './eventHeap.ts';

/** How the network treats datagrams. Rates from 0 to 1; times are ms. */
export interface NetworkWeather {
  readonly lossRate: number;
  readonly duplicateRate: number;
  /** Each datagram takes anything between the two, so they overtake each other. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export const FAIR: NetworkWeather = { lossRate: 0, duplicateRate: 0, minDelayMs: 0.1, maxDelayMs: 0.5 };
/** Timers fire this much late at most. */
const TIMER_SLACK_MS = 2;
/** Datagrams that wait for a process that stands still; the kernel drops further ones. */
const SOCKET_BUFFER = 250;

/** One node of a simulation. */
export class SimulatedNode {
  readonly name: string;
  readonly address: string;
  machine: MembershipMachine | null = null;
  /** Stopped by a signal: neither timers nor datagrams are looked at. */
  isStopped = false;
  /** Its event loop runs only every so many ms; 0: always. */
  turnMs = 0;
  /** Everything it sends fails on the machine itself. */
  isMute = false;
  received = 0;
  sent = 0;
  readonly logs: string[] = [];
  /** What waits for the process, in order. */
  readonly waiting: (() => void)[] = [];
  seal: Seal = () => Buffer.alloc(0);
  open: Open = createOpen([]);
  tickGeneration = 0;

  constructor(name: string, address: string) {
    this.name = name;
    this.address = address;
  }

  aliveNames(): string[] {
    return [...(this.machine?.alive().keys() ?? [])].sort();
  }
}

/** Machines over a network and clocks that are made up: every run of one seed is the same. */
export class Simulation {
  readonly nodes: readonly SimulatedNode[];
  readonly random: () => number;
  weather: NetworkWeather = FAIR;
  nowMs = 1_000;
  /** Does a datagram get from one to the other? */
  passes: (from: SimulatedNode, to: SimulatedNode) => boolean = () => true;
  /** Called whenever a machine says that something has changed. */
  onChanged: (node: SimulatedNode) => void = () => {};
  /** Boots so far, and what the wall clock says at the next. */
  #boots = 0;
  readonly #heap = new EventHeap();
  readonly #byAddress = new Map<string, SimulatedNode>();

  constructor(size: number, random: () => number) {
    this.random = random;
    this.nodes = Array.from({ length: size }, (_, index) => new SimulatedNode(`node-${index + 1}`, `10.0.${index >> 8}.${index & 255}`));
    for (const node of this.nodes) this.#byAddress.set(node.address, node);
  }

  /** Starts a process on a node, or the next one after `kill`. `incarnation`: what its wall clock says. */
  start(node: SimulatedNode, incarnation = 1_000_000 + Math.floor(this.nowMs)): void {
    this.#boots += 1;
    const boot = this.#boots.toString(16).padStart(16, '0');
    node.seal = createSeal(null, boot);
    node.open = createOpen([]);
    node.waiting.length = 0;
    node.isStopped = false;
    node.machine = new MembershipMachine({
      node: node.name, boot, incarnation, isKeyed: false, timings: DEFAULT_TIMINGS, random: this.random, group: '00000000',
      cookie: () => Math.floor(this.random() * 2 ** 32).toString(16).padStart(16, '0'), localAddresses: () => [node.address],
    }, this.nowMs);
    this.dispatch(node, { type: 'nodes', nodes: new Map(this.nodes.map(({ name, address }) => [name, [address]])) });
    this.dispatch(node, { type: 'state', state: { serving: true, unable: [], held: [] } });
  }

  startAll(): void {
    for (const node of this.nodes) this.start(node);
  }

  /** Without a word, like a machine that loses power. */
  kill(node: SimulatedNode): void {
    node.machine = null;
    node.tickGeneration += 1;
  }

  stop(node: SimulatedNode): void {
    node.isStopped = true;
  }

  continue(node: SimulatedNode): void {
    node.isStopped = false;
    this.#drain(node);
  }

  setState(node: SimulatedNode, state: MemberState): void {
    this.dispatch(node, { type: 'state', state });
  }

  dispatch(node: SimulatedNode, event: MachineEvent): void {
    const { machine } = node;
    if (machine === null) return;
    for (const action of machine.handle(event, this.nowMs)) this.#carryOut(node, action);
    node.tickGeneration += 1;
    const generation = node.tickGeneration;
    const wakeMs = machine.wakeAtMs();
    if (!Number.isFinite(wakeMs)) return;
    this.#heap.add(Math.max(this.nowMs, wakeMs) + this.random() * TIMER_SLACK_MS, () => {
      // Timers come before sockets in a turn of the event loop.
      if (generation === node.tickGeneration) this.#arrive(node, () => this.dispatch(node, { type: 'tick' }), true);
    });
  }

  at(atMs: number, run: () => void): void {
    this.#heap.add(atMs, run);
  }

  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    while (this.#heap.nextMs() <= endMs) {
      const event = this.#heap.take();
      if (event === undefined) break;
      this.nowMs = event.atMs;
      event.run();
    }
    this.nowMs = endMs;
  }

  /** Runs until `isDone`, which is asked every 5 ms; answers how long that took. Throws after `limitMs`. */
  runUntil(what: string, isDone: () => boolean, limitMs: number): number {
    const startMs = this.nowMs;
    while (!isDone()) {
      if (this.nowMs - startMs > limitMs) throw new Error(`not within ${limitMs} ms of simulated time: ${what}\n${this.describe()}`);
      this.run(5);
    }
    return this.nowMs - startMs;
  }

  /** Nodes that run all see exactly each other. */
  isAgreed(): boolean {
    const running = this.nodes.filter(({ machine, isStopped }) => machine !== null && !isStopped);
    const wanted = running.map(({ name }) => name).sort().join();
    return running.every((node) => node.aliveNames().join() === wanted);
  }

  describe(): string {
    return this.nodes.map((node) => `${node.name}: ${node.machine === null ? 'not running' : node.aliveNames().join(' ')}`).join('\n');
  }

  #carryOut(node: SimulatedNode, action: MachineAction): void {
    switch (action.type) {
      case 'send':
        this.#send(node, action.address, node.seal(encodeMessage(action.message)));
        return;
      case 'changed':
        this.onChanged(node);
        return;
      case 'echo':
        // Here all have the same key.
        return;
      case 'log':
        node.logs.push(`${action.message} ${JSON.stringify(action.fields)}`);
    }
  }

  #send(from: SimulatedNode, address: string, datagram: Buffer): void {
    const { lossRate, duplicateRate, minDelayMs, maxDelayMs } = this.weather;
    const to = this.#byAddress.get(address);
    if (from.isMute) this.#heap.add(this.nowMs, () => this.dispatch(from, { type: 'sendFailed', address }));
    else from.sent += 1;
    if (from.isMute || to === undefined || !this.passes(from, to)) return;
    for (let copies = this.random() < duplicateRate ? 2 : 1; copies > 0; copies -= 1) {
      if (this.random() < lossRate) continue;
      this.#heap.add(this.nowMs + minDelayMs + this.random() * (maxDelayMs - minDelayMs), () => this.#deliver(from, to, datagram));
    }
  }

  #deliver(from: SimulatedNode, to: SimulatedNode, datagram: Buffer): void {
    if (to.machine === null || to.waiting.length >= SOCKET_BUFFER) return;
    this.#arrive(to, () => {
      const read = readDatagram(to.open, datagram);
      if (read.type === 'fault') throw new Error(`a datagram of ${from.name} has the fault ${read.fault}`);
      to.received += 1;
      this.dispatch(to, { type: 'received', message: read.message, counter: read.counter, address: from.address });
    }, false);
  }

  #arrive(node: SimulatedNode, run: () => void, isFirst: boolean): void {
    if (!node.isStopped && node.turnMs === 0) {
      run();
      return;
    }
    if (isFirst) node.waiting.unshift(run);
    else node.waiting.push(run);
    if (node.isStopped || node.waiting.length > 1) return;
    this.#heap.add((Math.floor(this.nowMs / node.turnMs) + 1) * node.turnMs, () => this.#drain(node));
  }

  #drain(node: SimulatedNode): void {
    if (node.isStopped) return;
    for (const run of node.waiting.splice(0)) run();
  }
}
