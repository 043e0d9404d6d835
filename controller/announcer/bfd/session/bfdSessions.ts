import type { BfdSettings } from '../bfdSettings.ts';
import type { BfdEndpoint, BfdNews, BfdReport } from '../bfdSpeaker.ts';
import { decodeControlPacket, encodeControlPacket } from '../controlPacket.ts';
import { ECHO_KEY_BYTES, readEchoDiscriminator } from './echoFunction.ts';
import { createBfdSession, type BfdSession, type SessionEffect } from './bfdSession.ts';
import { NewsLimit, type SessionNews } from './newsLimit.ts';

/** How a datagram came in. Addresses are octets in hexadecimal digits. */
export interface Arrival {
  readonly source: string;
  readonly destination: string;
  /** Of the interface; 0: not known. */
  readonly interfaceIndex: number;
  readonly ttl: number;
  /** By the port. */
  readonly hops: 'single' | 'multihop';
  /** Of the socket. */
  readonly vrf: string | null;
}

/** What the sessions want done, in this order. */
export type BfdEffect =
  /** By whatever socket belongs to the session of that discriminator. */
  | { readonly type: 'send'; readonly endpoint: BfdEndpoint; readonly discriminator: number; readonly octets: Buffer }
  /** By way of the peer, on that interface. */
  | { readonly type: 'echo'; readonly endpoint: BfdEndpoint; readonly interfaceIndex: number; readonly payload: Buffer }
  /** The peer of a session with echo is there: its frames show where echo packets are to go. */
  | { readonly type: 'echoLink'; readonly interfaceIndex: number }
  | ({ readonly type: 'changed' } & BfdNews)
  /** Nothing is sent any more for this session. */
  | { readonly type: 'ended'; readonly discriminator: number };

export interface BfdSessionsOptions {
  /** x with 0 ≤ x < 1, for jitter. */
  readonly random: () => number;
  /** 0 to 2^32 - 1, not to be guessed. */
  readonly drawDiscriminator: () => number;
  /** Not to be guessed either. */
  readonly randomOctets: (count: number) => Buffer;
  /** Octets of an address in hexadecimal digits. */
  readonly addressKey: (address: string) => string;
  /** Null: there is none of that name. */
  readonly interfaceIndex: (name: string) => number | null;
}

/** Monotonic time for timers, the wall clock for people; ms. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** All sessions of this node: who a datagram is for, and what each of them does. Pure but for its own state. Times are ms, monotonic. */
export interface BfdSessions {
  set(endpoints: readonly BfdEndpoint[], nowMs: number): readonly BfdEffect[];
  /** A payload that has come; the octets are not kept. */
  receive(octets: Buffer, arrival: Arrival, nowMs: number): readonly BfdEffect[];
  /** The payload of an echo packet that has come back; answers whether it was some session's. */
  receiveEcho(payload: Buffer, nowMs: number): boolean;
  tick(nowMs: number): readonly BfdEffect[];
  /** When the next `tick` must come; null: none must. */
  dueMs(): number | null;
  /** AdminDown to all, once more with each call. */
  disable(nowMs: number): readonly BfdEffect[];
  reports(now: Moment): ReadonlyMap<string, BfdReport>;
}

/** Section 6.8.16: AdminDown is said for a Detection Time; ours: three packets at least, as the session is slow from then on, and not for ever. */
const LINGER_MS = 2_500;
const MAX_LINGER_MS = 60_000;

interface Entry {
  endpoint: BfdEndpoint;
  readonly session: BfdSession;
  readonly addressKey: string;
  readonly news: NewsLimit;
  dropped: number;
  /** Where its packets come in; 0: not known yet. */
  interfaceIndex: number;
}

export function createBfdSessions(options: BfdSessionsOptions): BfdSessions {
  return new SessionTable(options);
}

class SessionTable implements BfdSessions {
  readonly #options: BfdSessionsOptions;
  readonly #byName = new Map<string, Entry>();
  /** Sessions that are no longer wanted, and until when they say so. */
  readonly #leaving = new Map<Entry, number>();
  /** `addressKeyOf` → those between the two addresses: several on links of their own, or by mistake. */
  readonly #byAddresses = new Map<string, Entry[]>();
  #effects: BfdEffect[] = [];

  constructor(options: BfdSessionsOptions) {
    this.#options = options;
  }

  set(endpoints: readonly BfdEndpoint[], nowMs: number): readonly BfdEffect[] {
    const wanted = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
    for (const [name, entry] of this.#byName) {
      const next = wanted.get(name);
      if (next !== undefined && isSameSession(entry.endpoint, next)) continue;
      this.#byName.delete(name);
      const { detectionTimeMs } = entry.session.view();
      this.#perform(entry, entry.session.disable(nowMs), nowMs);
      this.#leaving.set(entry, nowMs + Math.min(Math.max(LINGER_MS, detectionTimeMs), MAX_LINGER_MS));
      // By this side's intent, which says nothing about the path.
      if (next !== undefined) {
        this.#effects.push({ type: 'changed', name, state: 'AdminDown', remoteState: 'Down', why: 'its ends are others: it begins anew', withoutFault: true });
      }
    }
    for (const endpoint of wanted.values()) {
      const known = this.#byName.get(endpoint.name);
      if (known === undefined) this.#add(endpoint, nowMs);
      else if (!isSameSettings(known.endpoint.settings, endpoint.settings)) {
        // Where its echo packets go is found out with the next packets.
        if (!mayEcho(known.endpoint)) known.interfaceIndex = 0;
        known.session.setEchoPath(known.interfaceIndex !== 0);
        known.endpoint = endpoint;
        known.session.configure(endpoint.settings);
      }
    }
    return this.tick(nowMs);
  }

  receive(octets: Buffer, arrival: Arrival, nowMs: number): readonly BfdEffect[] {
    const candidates = (this.#byAddresses.get(arrivalKey(arrival)) ?? []).filter(({ endpoint }) => this.#isFrom(endpoint, arrival));
    const [first] = candidates;
    if (first === undefined) return [];
    const decoded = decodeControlPacket(octets);
    // RFC 5880 section 6.3: the peer says whose it is, once it knows; before, its addresses do.
    const yours = decoded.type === 'packet' ? decoded.packet.yourDiscriminator : 0;
    const entry = yours === 0 ? first : candidates.find(({ session }) => session.localDiscriminator === yours);
    if (entry === undefined || decoded.type === 'fault' || decoded.packet.authenticated || !hasTtl(entry.endpoint, arrival)) {
      (entry ?? first).dropped += 1;
      return [];
    }
    // With the second packet by one interface the peer's MAC is known there.
    const isKnown = entry.interfaceIndex === arrival.interfaceIndex;
    if (!isKnown && mayEcho(entry.endpoint)) this.#effects.push({ type: 'echoLink', interfaceIndex: arrival.interfaceIndex });
    entry.interfaceIndex = arrival.interfaceIndex;
    entry.session.setEchoPath(isKnown);
    this.#perform(entry, entry.session.receive(decoded.packet, nowMs), nowMs);
    return this.#finish();
  }

  receiveEcho(payload: Buffer, nowMs: number): boolean {
    const discriminator = readEchoDiscriminator(payload);
    const entry = this.#byName.values().find(({ session }) => session.localDiscriminator === discriminator);
    return entry?.session.receiveEcho(payload, nowMs) ?? false;
  }

  tick(nowMs: number): readonly BfdEffect[] {
    for (const entry of this.#byName.values()) this.#tickEntry(entry, nowMs);
    for (const [entry, untilMs] of this.#leaving) {
      if (nowMs >= untilMs) this.#remove(entry);
      else this.#tickEntry(entry, nowMs);
    }
    return this.#finish();
  }

  dueMs(): number | null {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { session, news } of this.#byName.values()) earliest = Math.min(earliest, session.dueMs() ?? earliest, news.dueMs() ?? earliest);
    for (const [{ session }, untilMs] of this.#leaving) earliest = Math.min(earliest, untilMs, session.dueMs() ?? earliest);
    return earliest === Number.POSITIVE_INFINITY ? null : earliest;
  }

  disable(nowMs: number): readonly BfdEffect[] {
    for (const entry of [...this.#byName.values(), ...this.#leaving.keys()]) this.#perform(entry, entry.session.disable(nowMs), nowMs);
    return this.#finish();
  }

  reports({ monotonicMs, wallMs }: Moment): ReadonlyMap<string, BfdReport> {
    const reports = new Map<string, BfdReport>();
    for (const [name, { session, dropped }] of this.#byName) {
      const view = session.view();
      reports.set(name, { ...view, name, sinceMs: Math.round(wallMs - (monotonicMs - view.sinceMs)), dropped });
    }
    return reports;
  }

  #add(endpoint: BfdEndpoint, nowMs: number): void {
    const addressKey = endpointKey(endpoint, this.#options.addressKey);
    // The peer must not hear two sessions of one pair of addresses, of which one says AdminDown.
    for (const leaving of this.#leaving.keys()) if (leaving.addressKey === addressKey) this.#remove(leaving);
    const { random, randomOctets } = this.#options;
    const echoKey = isIpv4(endpoint) ? randomOctets(ECHO_KEY_BYTES) : null;
    const session = createBfdSession({ settings: endpoint.settings, localDiscriminator: this.#drawDiscriminator(), random, echoKey }, nowMs);
    const entry: Entry = { endpoint, session, addressKey, news: new NewsLimit(nowMs), dropped: 0, interfaceIndex: 0 };
    this.#byName.set(endpoint.name, entry);
    this.#byAddresses.set(addressKey, [...this.#byAddresses.get(addressKey) ?? [], entry]);
  }

  #remove(entry: Entry): void {
    this.#leaving.delete(entry);
    const others = (this.#byAddresses.get(entry.addressKey) ?? []).filter((other) => other !== entry);
    if (others.length > 0) this.#byAddresses.set(entry.addressKey, others);
    else this.#byAddresses.delete(entry.addressKey);
    this.#effects.push({ type: 'ended', discriminator: entry.session.localDiscriminator });
  }

  #drawDiscriminator(): number {
    const used = new Set([...this.#byName.values(), ...this.#leaving.keys()].map(({ session }) => session.localDiscriminator));
    for (;;) {
      const drawn = this.#options.drawDiscriminator();
      if (drawn !== 0 && !used.has(drawn)) return drawn;
    }
  }

  #isFrom(endpoint: BfdEndpoint, { interfaceIndex }: Arrival): boolean {
    if (endpoint.interface === null || endpoint.settings.hops.type === 'multihop') return true;
    return this.#options.interfaceIndex(endpoint.interface) === interfaceIndex;
  }

  #tickEntry(entry: Entry, nowMs: number): void {
    const dueMs = entry.session.dueMs();
    if (dueMs !== null && nowMs >= dueMs) this.#perform(entry, entry.session.tick(nowMs), nowMs);
    this.#tell(entry, entry.news.take(nowMs));
  }

  /** Of a session that is no longer wanted nobody needs to hear. */
  #tell(entry: Entry, news: SessionNews | null): void {
    const { name } = entry.endpoint;
    if (news !== null && this.#byName.get(name) === entry) this.#effects.push({ ...news, name });
  }

  #perform(entry: Entry, effects: readonly SessionEffect[], nowMs: number): void {
    const { endpoint, session } = entry;
    for (const effect of effects) {
      if (effect.type === 'changed') this.#tell(entry, entry.news.offer(effect, nowMs));
      if (effect.type === 'echo') this.#effects.push({ ...effect, endpoint, interfaceIndex: entry.interfaceIndex });
      if (effect.type === 'send') this.#effects.push({ type: 'send', endpoint, discriminator: session.localDiscriminator, octets: encodeControlPacket(effect.packet) });
    }
  }

  #finish(): readonly BfdEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

/** Echo packets are sent for single hop sessions of IPv4, as MetalLB's are. */
export function mayEcho(endpoint: BfdEndpoint): boolean {
  const { echoIntervalMs, hops } = endpoint.settings;
  return echoIntervalMs !== null && hops.type === 'single' && isIpv4(endpoint);
}

function isIpv4({ localAddress }: BfdEndpoint): boolean {
  return !localAddress.includes(':');
}

/** Between the same two ends, by the same port: what else is different, a Poll Sequence can tell. */
function isSameSession(one: BfdEndpoint, other: BfdEndpoint): boolean {
  return one.localAddress === other.localAddress && one.remoteAddress === other.remoteAddress && one.interface === other.interface &&
    one.vrf === other.vrf && one.settings.hops.type === other.settings.hops.type;
}

function isSameSettings(one: BfdSettings, other: BfdSettings): boolean {
  return one.receiveIntervalMs === other.receiveIntervalMs && one.transmitIntervalMs === other.transmitIntervalMs &&
    one.detectMultiplier === other.detectMultiplier && one.echoIntervalMs === other.echoIntervalMs &&
    one.echoReceiveIntervalMs === other.echoReceiveIntervalMs && one.passive === other.passive &&
    minimumTtl(one) === minimumTtl(other);
}

/** RFC 5881 section 5: nothing that a router has passed on is taken. */
function minimumTtl({ hops }: BfdSettings): number {
  return hops.type === 'single' ? 255 : hops.minimumTtl;
}

function hasTtl({ settings }: BfdEndpoint, { ttl }: Arrival): boolean {
  return ttl >= minimumTtl(settings);
}

function endpointKey({ localAddress, remoteAddress, vrf, settings }: BfdEndpoint, addressKey: (address: string) => string): string {
  return joinKey(settings.hops.type, vrf, addressKey(remoteAddress), addressKey(localAddress));
}

function arrivalKey({ hops, vrf, source, destination }: Arrival): string {
  return joinKey(hops, vrf, source, destination);
}

function joinKey(hops: Arrival['hops'], vrf: string | null, remote: string, local: string): string {
  return `${hops} ${remote} ${local} ${vrf ?? ''}`;
}
