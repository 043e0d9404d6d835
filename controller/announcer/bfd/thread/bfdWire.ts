import {
  openDatagramReceiver, openDatagramSender, type DatagramReceiver, type DatagramSender, type ReceivedDatagram,
} from '../../../../core/os/datagramSocket.ts';
import { attachSocketFilter } from '../../../../core/os/socketFilter.ts';
import { parseAddressOctets } from '../../netlink/addressOctets.ts';
import { assemblePeerFilter } from '../../peerFilter.ts';
import { AF_INET, type AF_INET6 } from '../../../../core/os/socketAddress.ts';
import { SystemError } from '../../../../core/os/systemError.ts';
import type { BfdEndpoint } from '../bfdSpeaker.ts';
import { MAX_CONTROL_PACKET_BYTES } from '../controlPacket.ts';
import type { Arrival } from '../session/bfdSessions.ts';

/**
 * The sockets of all sessions: one that receives for each family, port and VRF, one that sends for each session. What fails is tried
 * again, and costs the others nothing. Times are ms, monotonic.
 */
export interface BfdWire {
  /** Opens what these need to be heard, closes what none of them needs. */
  setSessions(endpoints: readonly BfdEndpoint[], nowMs: number): void;
  descriptors(): readonly number[];
  /** Hands over what waits on `ready` descriptors. The octets are valid within the call. */
  receive(ready: ReadonlySet<number>, take: (octets: Buffer, arrival: Arrival) => void): void;
  /** A packet that cannot be sent is lost, as any may be; that it fails is reported once. */
  send(endpoint: BfdEndpoint, discriminator: number, octets: Buffer, nowMs: number): void;
  /** Nothing more is sent for that session. */
  forget(discriminator: number): void;
  /** Opens again what has failed, where it is time. */
  repair(nowMs: number): void;
  /** True while something waits for `repair`. */
  isBroken(): boolean;
  close(): void;
}

export interface BfdWireDependencies {
  readonly report: (message: { readonly type: 'socket'; readonly subject: string; readonly fault: string | null }) => void;
  /** x with 0 ≤ x < 1, for source ports. */
  readonly random: () => number;
}

/** Ours: a port that is free again, or an address that is there now, is noticed this soon. */
export const REPAIR_EVERY_MS = 500;

/** Ours: less than the shortest usual Detection Time (150 ms), so that one failure ends no session. */
const SEND_AGAIN_AFTER_MS = 100;

/** RFC 5881 section 4, RFC 5883 section 5. */
const PORTS: Readonly<Record<Arrival['hops'], number>> = { single: 3784, multihop: 4784 };

/** RFC 5881 sections 4 and 5; multihop does the same, so that the other end can know how far away this is. */
const FIRST_SOURCE_PORT = 49_152;
const SOURCE_PORTS = 16_384;
const SENT_TTL = 255;

/** CS6, network control (RFC 4594 section 3.1). */
const TRAFFIC_CLASS = 0xc0;

/** Ours: about 300 packets, which are read in some milliseconds: what waits longer has been overtaken by events. */
const RECEIVE_BUFFER_BYTES = 256 * 1024;

/** Ours: as many as the buffer holds, so that no packet that waits is overlooked when a session seems to expire. */
const PACKETS_PER_TURN = 512;

/** Ours: of 16,384 ports, which are all taken when this many are. */
const PORT_ATTEMPTS = 32;

interface Receiver {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly hops: Arrival['hops'];
  readonly vrf: string | null;
  /** See filterFor. */
  filter: Buffer;
  socket: DatagramReceiver | null;
  fault: string | null;
  retryAtMs: number;
}

interface Sender {
  socket: DatagramSender | null;
  /** The same for the life of the session (RFC 5881 section 4); null: none was free yet. */
  port: number | null;
  fault: string | null;
  retryAtMs: number;
}

/** No socket is open until there are sessions. */
export function createBfdWire(dependencies: BfdWireDependencies): BfdWire {
  return new UdpWire(dependencies);
}

class UdpWire implements BfdWire {
  readonly #dependencies: BfdWireDependencies;
  /** `receiverKey` → the receiver. */
  readonly #receivers = new Map<string, Receiver>();
  /** Discriminator → the sender. */
  readonly #senders = new Map<number, Sender>();
  #byDescriptor = new Map<number, Receiver>();

  constructor(dependencies: BfdWireDependencies) {
    this.#dependencies = dependencies;
  }

  setSessions(endpoints: readonly BfdEndpoint[], nowMs: number): void {
    const needed = Map.groupBy(endpoints, receiverKey);
    for (const [key, receiver] of this.#receivers) {
      if (needed.has(key)) continue;
      receiver.socket?.close();
      this.#receivers.delete(key);
    }
    for (const [key, [first, ...others]] of needed) {
      if (first === undefined) continue;
      const [family, hops] = [familyOf(first), first.settings.hops.type];
      const filter = filterFor(family, [first, ...others]);
      const known = this.#receivers.get(key);
      if (known !== undefined) this.#setFilter(known, filter, nowMs);
      else {
        const receiver: Receiver = { family, hops, vrf: first.vrf, filter, socket: null, fault: null, retryAtMs: nowMs };
        this.#receivers.set(key, receiver);
        this.#openReceiver(receiver, nowMs);
      }
    }
    this.#listDescriptors();
  }

  descriptors(): readonly number[] {
    return [...this.#byDescriptor.keys()];
  }

  receive(ready: ReadonlySet<number>, take: (octets: Buffer, arrival: Arrival) => void): void {
    for (const descriptor of ready) {
      const receiver = this.#byDescriptor.get(descriptor);
      if (receiver !== undefined) this.#drain(receiver, take);
    }
  }

  send(endpoint: BfdEndpoint, discriminator: number, octets: Buffer, nowMs: number): void {
    let sender = this.#senders.get(discriminator);
    if (sender === undefined) {
      sender = { socket: null, port: null, fault: null, retryAtMs: nowMs };
      this.#senders.set(discriminator, sender);
    }
    if (sender.socket === null && nowMs < sender.retryAtMs) return;
    try {
      sender.socket ??= this.#openSender(endpoint, sender);
      sender.socket.send(octets);
      this.#tell(sender, `session ${endpoint.name}`, null);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // Its address or interface may have gone and come back as another: only a new socket finds that one.
      sender.socket?.close();
      sender.socket = null;
      sender.retryAtMs = nowMs + SEND_AGAIN_AFTER_MS;
      this.#tell(sender, `session ${endpoint.name}`, error.message);
    }
  }

  forget(discriminator: number): void {
    this.#senders.get(discriminator)?.socket?.close();
    this.#senders.delete(discriminator);
  }

  repair(nowMs: number): void {
    for (const receiver of this.#receivers.values()) {
      if (receiver.socket === null && nowMs >= receiver.retryAtMs) this.#openReceiver(receiver, nowMs);
    }
    this.#listDescriptors();
  }

  isBroken(): boolean {
    return this.#receivers.values().some(({ socket }) => socket === null);
  }

  close(): void {
    for (const { socket } of this.#receivers.values()) socket?.close();
    for (const { socket } of this.#senders.values()) socket?.close();
    this.#receivers.clear();
    this.#senders.clear();
    this.#byDescriptor.clear();
  }

  #drain(receiver: Receiver, take: (octets: Buffer, arrival: Arrival) => void): void {
    const { hops, vrf, socket } = receiver;
    try {
      for (let count = 0; count < PACKETS_PER_TURN; count += 1) {
        const datagram: ReceivedDatagram | null = socket?.receive() ?? null;
        if (datagram === null) return;
        const { payload, source, destination, interfaceIndex, ttl } = datagram;
        take(payload, { source, destination, interfaceIndex, ttl, hops, vrf });
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      socket?.close();
      receiver.socket = null;
      receiver.retryAtMs = 0;
      this.#tell(receiver, subjectOf(receiver), error.message);
      this.#listDescriptors();
    }
  }

  #setFilter(receiver: Receiver, filter: Buffer, nowMs: number): void {
    if (receiver.filter.equals(filter)) return;
    receiver.filter = filter;
    if (receiver.socket === null) return;
    try {
      attachSocketFilter(receiver.socket.descriptor, filter);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // What was there before does not know all peers: one that is opened with it will.
      receiver.socket.close();
      receiver.socket = null;
      this.#openReceiver(receiver, nowMs);
    }
  }

  #openReceiver(receiver: Receiver, nowMs: number): void {
    const { family, hops, vrf, filter } = receiver;
    try {
      receiver.socket = openDatagramReceiver({
        family, port: PORTS[hops], device: vrf, filter,
        receiveBufferBytes: RECEIVE_BUFFER_BYTES, maxPayloadBytes: MAX_CONTROL_PACKET_BYTES, besides: this.#besides(receiver),
      });
      this.#tell(receiver, subjectOf(receiver), null);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      receiver.retryAtMs = nowMs + REPAIR_EVERY_MS;
      this.#tell(receiver, subjectOf(receiver), error.message);
    }
  }

  /** Receivers of the same port for other VRFs. */
  #besides({ family, hops }: Receiver): readonly number[] {
    return [...this.#receivers.values()].flatMap(({ family: ofFamily, hops: ofHops, socket }) =>
      socket !== null && ofFamily === family && ofHops === hops ? [socket.descriptor] : []);
  }

  #openSender(endpoint: BfdEndpoint, sender: Sender): DatagramSender {
    const { localAddress, remoteAddress, settings: { hops }, vrf } = endpoint;
    // A multihop session's packets may leave by any interface.
    const device = hops.type === 'single' ? endpoint.interface ?? vrf : vrf;
    for (let attempt = 1; ; attempt += 1) {
      const localPort = sender.port ?? this.#drawPort();
      try {
        const socket = openDatagramSender(
          { localAddress, localPort, device, ttl: SENT_TTL, trafficClass: TRAFFIC_CLASS }, { address: remoteAddress, port: PORTS[hops.type] },
        );
        sender.port = localPort;
        return socket;
      } catch (error) {
        if (!(error instanceof SystemError) || error.code !== 'EADDRINUSE' || attempt === PORT_ATTEMPTS) throw error;
        sender.port = null;
      }
    }
  }

  /** One that no other session has. */
  #drawPort(): number {
    const used = new Set(this.#senders.values().map(({ port }) => port));
    for (let attempt = 1; ; attempt += 1) {
      const port = FIRST_SOURCE_PORT + Math.floor(this.#dependencies.random() * SOURCE_PORTS);
      if (!used.has(port) || attempt === PORT_ATTEMPTS) return port;
    }
  }

  /** One line says that it fails, another that it no longer does. */
  #tell(entry: Receiver | Sender, subject: string, fault: string | null): void {
    if ((entry.fault === null) !== (fault === null)) this.#dependencies.report({ type: 'socket', subject, fault });
    entry.fault = fault;
  }

  #listDescriptors(): void {
    this.#byDescriptor = new Map();
    for (const receiver of this.#receivers.values()) {
      if (receiver.socket !== null) this.#byDescriptor.set(receiver.socket.descriptor, receiver);
    }
  }
}

/** The octets of an address in hexadecimal digits. Throws TypeError for what is none. */
export function addressKey(address: string): string {
  return octetsOf(address).octets.toString('hex');
}

function octetsOf(address: string): NonNullable<ReturnType<typeof parseAddressOctets>> {
  const parsed = parseAddressOctets(address);
  if (parsed === null) throw new TypeError(`a BFD session needs an IP address without a zone (got ${JSON.stringify(address)})`);
  return parsed;
}

function familyOf({ remoteAddress }: BfdEndpoint): typeof AF_INET | typeof AF_INET6 {
  return octetsOf(remoteAddress).family;
}

/**
 * Lets through what comes from the peers of these endpoints, which share a receiver, and of a single hop what no router has passed on
 * (RFC 5881 section 5): a flood from elsewhere costs neither wake-ups nor room in the queue. The kernel counts it among the socket's drops.
 */
function filterFor(family: Receiver['family'], endpoints: readonly BfdEndpoint[]): Buffer {
  // How far away a peer of several hops may be is looked at and counted by its session.
  const guards = new Map(endpoints.map(({ remoteAddress, settings: { hops } }) =>
    [addressKey(remoteAddress), { address: remoteAddress, minimumTtl: hops.type === 'single' ? SENT_TTL : null, isHeld: false }]));
  return assemblePeerFilter(family === AF_INET ? 'ipv4' : 'ipv6', { peers: [...guards.values()], areOthersHeld: true });
}

function receiverKey(endpoint: BfdEndpoint): string {
  return `${familyOf(endpoint)} ${endpoint.settings.hops.type} ${endpoint.vrf ?? ''}`;
}

function subjectOf({ family, hops, vrf }: Receiver): string {
  return `UDP port ${PORTS[hops]}, IPv${family === AF_INET ? 4 : 6}${vrf === null ? '' : `, ${vrf}`}`;
}
