import { SystemError } from '../../../../core/os/systemError.ts';
import type { L2Answer, L2Interface } from '../../parts.ts';
import type { MulticastGroup } from '../l2Machine.ts';
import type { FromL2Thread } from './threadMessages.ts';
import { createInterfaceSockets, octetsOf, type AddressOctets, type InterfaceSockets } from './interfaceSockets.ts';

/**
 * The packet sockets of all interfaces that answers name. An interface that fails, because it is down or gone, costs the others
 * nothing: its sockets are closed, and opened anew as soon as that works. Times are ms, monotonic.
 */
export interface Wire {
  /** Sockets and filters for these; what waited in sockets that stay, stays. */
  setAnswers(answers: readonly L2Answer[], nowMs: number): void;
  /** Joins and leaves what `groupsOf` says now. */
  updateGroups(nowMs: number): void;
  descriptors(): readonly number[];
  /** Hands over what waits on `ready` descriptors, a bounded number; `take` answers false to stop early. */
  receive(ready: ReadonlySet<number>, nowMs: number, take: TakeFrame): void;
  /** A frame that cannot be sent is lost, as any frame may be, and reported. */
  send(interfaceIndex: number, frame: Uint8Array, nowMs: number): void;
  /** Opens again what has failed, if it is time. Answers the interfaces that work again. */
  repair(nowMs: number, take: TakeFrame): readonly number[];
  /** True while something waits for `repair`. */
  isBroken(): boolean;
  close(): void;
}

/** The frame is valid within the call. */
export type TakeFrame = (interfaceIndex: number, frame: Uint8Array) => boolean;

export interface WireDependencies {
  readonly groupsOf: (interfaceIndex: number) => readonly MulticastGroup[];
  readonly report: (message: Extract<FromL2Thread, { type: 'interface' | 'unreported' | 'dropped' }>) => void;
}

/** Ours: a link that returns is noticed this soon. */
export const REPAIR_EVERY_MS = 100;

/** Ours: frames of one socket per turn, between which other sockets and messages get their turn. */
const FRAMES_PER_TURN = 64;

/** Ours: a flood is no reason to flood the log. */
const REPORT_DROPS_EVERY_MS = 10_000;

interface Entry {
  readonly link: L2Interface;
  readonly sockets: InterfaceSockets;
  addresses: AddressOctets;
  addressKey: string;
  /** What its last failure was; null: it works. */
  fault: string | null;
  retryAtMs: number;
  droppedFrames: number;
  dropsReportedAtMs: number;
}

/** No socket is open until answers are set. */
export function createWire(dependencies: WireDependencies): Wire {
  return new InterfaceWire(dependencies);
}

class InterfaceWire implements Wire {
  readonly #dependencies: WireDependencies;
  readonly #entries = new Map<number, Entry>();
  /** Descriptor → whose it is. */
  #owners = new Map<number, Entry>();

  constructor(dependencies: WireDependencies) {
    this.#dependencies = dependencies;
  }

  setAnswers(answers: readonly L2Answer[], nowMs: number): void {
    const wanted = groupByInterface(answers);
    for (const [index, { sockets }] of this.#entries) {
      if (wanted.has(index)) continue;
      sockets.close();
      this.#entries.delete(index);
    }
    for (const { link, addresses } of wanted.values()) {
      const entry = this.#ensureEntry(link);
      const addressKey = addresses.toSorted().join(' ');
      if (entry.addressKey === addressKey) continue;
      entry.addressKey = addressKey;
      entry.addresses = toOctets(addresses);
      if (entry.fault === null) this.#attempt(entry, nowMs, () => { entry.sockets.setAddresses(entry.addresses); });
    }
    this.#listDescriptors();
  }

  updateGroups(nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.fault === null) this.#attempt(entry, nowMs, () => { this.#setGroups(entry); });
    }
    this.#listDescriptors();
  }

  descriptors(): readonly number[] {
    return [...this.#owners.keys()];
  }

  receive(ready: ReadonlySet<number>, nowMs: number, take: TakeFrame): void {
    const readable = new Set<Entry>();
    for (const descriptor of ready) {
      const entry = this.#owners.get(descriptor);
      if (entry !== undefined) readable.add(entry);
    }
    for (const entry of readable) {
      if (!this.#attempt(entry, nowMs, () => { receiveSome(entry, take); })) this.#listDescriptors();
    }
  }

  send(interfaceIndex: number, frame: Uint8Array, nowMs: number): void {
    const entry = this.#entries.get(interfaceIndex);
    // One that has failed is known to have; what it should have said is said again when it works again.
    if (entry === undefined || entry.fault !== null) return;
    const isOpen = this.#attempt(entry, nowMs, () => { if (!entry.sockets.send(frame)) entry.droppedFrames += 1; });
    if (!isOpen) this.#listDescriptors();
    if (entry.droppedFrames > 0 && nowMs - entry.dropsReportedAtMs >= REPORT_DROPS_EVERY_MS) this.#reportDrops(entry, nowMs);
  }

  repair(nowMs: number, take: TakeFrame): readonly number[] {
    if (!this.isBroken()) return [];
    const due = [...this.#entries.values()].filter(({ fault, retryAtMs }) => fault !== null && nowMs >= retryAtMs);
    const repaired = due.filter((entry) => this.#attempt(entry, nowMs, () => {
      entry.sockets.setAddresses(entry.addresses);
      this.#setGroups(entry);
      // bind(2) succeeds on an interface that is down; reading says so.
      receiveSome(entry, take);
    }));
    for (const entry of repaired) {
      entry.fault = null;
      this.#dependencies.report({ type: 'interface', name: entry.link.name, fault: null });
    }
    this.#listDescriptors();
    return repaired.map(({ link }) => link.index);
  }

  isBroken(): boolean {
    return this.#entries.values().some(({ fault }) => fault !== null);
  }

  close(): void {
    for (const { sockets } of this.#entries.values()) sockets.close();
    this.#entries.clear();
    this.#owners.clear();
  }

  #ensureEntry(link: L2Interface): Entry {
    const known = this.#entries.get(link.index);
    if (known?.link.name === link.name && known.link.mac === link.mac) return known;
    // An index does not come back soon, but a name or a MAC may change under it.
    known?.sockets.close();
    const sockets = createInterfaceSockets(link, (error) => {
      this.#dependencies.report({ type: 'unreported', interface: link.name, fault: error.message });
    });
    const entry: Entry = {
      link, sockets, addresses: { IPv4: [], IPv6: [] }, addressKey: '', fault: null, retryAtMs: 0, droppedFrames: 0,
      dropsReportedAtMs: Number.NEGATIVE_INFINITY,
    };
    this.#entries.set(link.index, entry);
    return entry;
  }

  /** True when `work` succeeded; else the interface waits for repair. */
  #attempt(entry: Entry, nowMs: number, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      entry.sockets.close();
      entry.retryAtMs = nowMs + REPAIR_EVERY_MS;
      // Down and gone follow each other in many orders and words: one line says that it fails, one that it no longer does.
      if (entry.fault === null) this.#dependencies.report({ type: 'interface', name: entry.link.name, fault: error.message });
      entry.fault = error.message;
      return false;
    }
  }

  #setGroups(entry: Entry): void {
    entry.sockets.setGroups(this.#dependencies.groupsOf(entry.link.index));
  }

  #reportDrops(entry: Entry, nowMs: number): void {
    this.#dependencies.report({ type: 'dropped', interface: entry.link.name, frames: entry.droppedFrames });
    entry.droppedFrames = 0;
    entry.dropsReportedAtMs = nowMs;
  }

  #listDescriptors(): void {
    this.#owners = new Map();
    for (const entry of this.#entries.values()) {
      for (const descriptor of entry.sockets.descriptors()) this.#owners.set(descriptor, entry);
    }
  }
}

function receiveSome({ link, sockets }: Entry, take: TakeFrame): void {
  sockets.receive(FRAMES_PER_TURN, (frame) => take(link.index, frame));
}

function groupByInterface(answers: readonly L2Answer[]): Map<number, { readonly link: L2Interface; readonly addresses: string[] }> {
  const byIndex = new Map<number, { readonly link: L2Interface; readonly addresses: string[] }>();
  for (const { address, interfaces } of answers) {
    for (const link of interfaces) {
      const known = byIndex.get(link.index);
      if (known === undefined) byIndex.set(link.index, { link, addresses: [address] });
      else known.addresses.push(address);
    }
  }
  return byIndex;
}

function toOctets(addresses: readonly string[]): AddressOctets {
  const octets = addresses.map((address) => octetsOf(address));
  return { IPv4: octets.filter(({ length }) => length === 4), IPv6: octets.filter(({ length }) => length === 16) };
}
