import { openPacketSocket, ETHERTYPE_IPV6, type PacketSocket } from '../../../../core/os/packetSocket.ts';
import { isMac, parseMac } from '../../l2/macAddress.ts';
import { groupMac } from '../../l2/solicitedNode.ts';
import type { Link } from '../../parts.ts';
import { assembleRouterFilter, MAX_ROUTER_FRAME_BYTES } from './routerFilter.ts';
import { ALL_ROUTERS, decodeRouterMessage, encodeRouterMessage, type RouterMessage } from './routerMessage.ts';
import type { RouterTable } from './routerTable.ts';

/** Own Ethernet and link-local address on an interface. */
export interface OwnPlace {
  readonly index: number;
  readonly name: string;
  readonly macText: string;
  readonly mac: Uint8Array;
  readonly address: string;
}

/** What is said and heard on one interface. Every call throws SystemError when the interface is gone. */
export interface RouterSession {
  readonly place: OwnPlace;
  /** Takes what has come, answers who is new, and says what is due. Answers whether a router is heard that was not before. */
  look(nowMs: number): boolean;
  close(): void;
}

/** Ours: as FRR does on such interfaces. */
const ADVERTISEMENT_INTERVAL_MS = 10_000;
/** RFC 4861 section 10: MIN_DELAY_BETWEEN_RAS, and MAX_INITIAL_RTR_ADVERTISEMENTS of them at first. */
const INITIAL_INTERVAL_MS = 3_000;
const INITIAL_ADVERTISEMENTS = 3;
/** Ours: frames taken at a time, so that a flood costs no more. Who is among them and new is answered. */
const FRAMES_PER_LOOK = 16;
const RECEIVE_BUFFER_BYTES = 64 * 1024;

/** Where we are on a link; null: it is down, has no Ethernet address or no link-local one that can be used. */
export function ownPlace(link: Link | undefined): OwnPlace | null {
  const own = link?.addresses.find(({ address, usable }) => usable && /^fe[89ab]/.test(address));
  if (link === undefined || own === undefined || !link.up || !isMac(link.mac)) return null;
  return { index: link.index, name: link.name, macText: link.mac, mac: parseMac(link.mac), address: own.address };
}

/** Throws SystemError; then nothing is left open. */
export function openRouterSession(place: OwnPlace, table: RouterTable): RouterSession {
  const socket = openSocket(place);
  const frame = Buffer.alloc(MAX_ROUTER_FRAME_BYTES);
  const from = { mac: place.mac, address: place.address };
  let sent = 0;
  let dueMs = 0;

  /** Routers are told at once that we are here, and hosts that ask; both are bounded by how many are looked at. */
  const take = (message: RouterMessage, nowMs: number): boolean => {
    if (message.address === place.address) return false;
    const isNew = message.type === 'advertisement' && table.heard(message.address, nowMs);
    const isAsked = message.type === 'solicitation' && message.address !== '::';
    if (isNew || isAsked) socket.send(encodeRouterMessage('advertisement', { from, to: message }));
    return isNew;
  };
  const receive = (nowMs: number): boolean => {
    let isNew = false;
    for (let count = 0; count < FRAMES_PER_LOOK; count += 1) {
      const length = socket.receive(frame);
      if (length === null) return isNew;
      const message = decodeRouterMessage(frame.subarray(0, length));
      if (message !== null && take(message, nowMs)) isNew = true;
    }
    return isNew;
  };
  const say = (nowMs: number): void => {
    if (nowMs < dueMs) return;
    socket.send(encodeRouterMessage('advertisement', { from, to: null }));
    if (table.isQuiet(nowMs)) socket.send(encodeRouterMessage('solicitation', { from, to: null }));
    sent += 1;
    dueMs = nowMs + (sent < INITIAL_ADVERTISEMENTS ? INITIAL_INTERVAL_MS : ADVERTISEMENT_INTERVAL_MS);
  };
  return {
    place,
    look: (nowMs) => {
      const isNew = receive(nowMs);
      say(nowMs);
      return isNew;
    },
    close: () => socket.close(),
  };
}

function openSocket({ index, name }: OwnPlace): PacketSocket {
  const socket = openPacketSocket({
    interfaceIndex: index, interfaceName: name, etherType: ETHERTYPE_IPV6, filter: assembleRouterFilter(index), receiveBufferBytes: RECEIVE_BUFFER_BYTES,
  });
  try {
    socket.joinGroup(groupMac(ALL_ROUTERS));
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
