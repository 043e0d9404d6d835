import { isDeepStrictEqual } from 'node:util';
import { NETLINK_ROUTE, type NetlinkSocket, type NetlinkSocketOptions } from '../../../core/os/netlinkSocket.ts';
import { createNetlinkClient } from '../netlink/netlinkClient.ts';
import { decodeNetlinkDatagram } from '../netlink/netlinkMessage.ts';
import type { Link } from '../parts.ts';
import { dumpLinks } from './dumpLinks.ts';
import type { LinkTable } from './linkTable.ts';
import { createRouteLookup, type RouteLookup } from './routeLookup.ts';

/** The kernel's word on interfaces and routes, while it can be heard: sockets, and what they have told. */
export interface InterfaceSession {
  /** Sorted by index; another array when something is another. */
  links(): readonly Link[];
  /** See InterfaceWatch. Throws NetlinkError or SystemError. */
  routeTo(address: string): number | null;
  /** Takes what the kernel has told meanwhile. Throws NetlinkError or SystemError; then the session is of no use any more. */
  look(): Look;
  /** Interfaces and addresses that found no room. */
  omitted(): number;
  close(): void;
}

export interface Look {
  /** Links are others, or an address that was asked for is reached another way. */
  readonly isChanged: boolean;
  /** Something waits already: an interface that went down is shown before what follows is taken. */
  readonly isMore: boolean;
}

/** Opens a netlink socket; throws SystemError. */
export type OpenNetlinkSocket = (options: NetlinkSocketOptions) => NetlinkSocket;

/** Taken in one go; a look takes a few milliseconds at most. */
const MAX_DATAGRAMS_PER_LOOK = 256;
/** The kernel's lists come in datagrams of up to 32 KiB; a change is one message, long where a device has many virtual functions. */
const DATAGRAM_BYTES = 1 << 16;
/** Room for some thousands of changes. */
const QUEUE_BYTES = 4 << 20;
// linux/rtnetlink.h
const RTNLGRP_LINK = 1;
const RTNLGRP_IPV4_IFADDR = 5;
const RTNLGRP_IPV4_ROUTE = 7;
const RTNLGRP_IPV4_RULE = 8;
const RTNLGRP_IPV6_IFADDR = 9;
const RTNLGRP_IPV6_ROUTE = 11;
const RTNLGRP_IPV6_RULE = 19;

const LINK_CHANGES: NetlinkSocketOptions = {
  protocol: NETLINK_ROUTE, groups: [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR], datagramBytes: DATAGRAM_BYTES, queueBytes: QUEUE_BYTES,
};
const ROUTE_CHANGES: NetlinkSocketOptions = {
  protocol: NETLINK_ROUTE, groups: [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE], datagramBytes: 16, queueBytes: null,
};
const QUESTIONS: NetlinkSocketOptions = { protocol: NETLINK_ROUTE, groups: [], datagramBytes: DATAGRAM_BYTES, queueBytes: null };

/** Begins to listen, then lists what is there. Throws NetlinkError or SystemError; then nothing is left open. */
export function openInterfaceSession(openSocket: OpenNetlinkSocket): InterfaceSession {
  const opened: { close(): void }[] = [];
  const open = <T extends { close(): void }>(one: T): T => {
    opened.push(one);
    return one;
  };
  const close = (): void => opened.forEach((one) => one.close());
  try {
    // Listening comes first: whatever changes after the list is queued.
    const changes = open(openSocket(LINK_CHANGES));
    const client = open(createNetlinkClient(openSocket(QUESTIONS)));
    const routes = open(createRouteLookup(client, () => openSocket(ROUTE_CHANGES)));
    return createSession({ changes, routes, dump: () => dumpLinks(client), close });
  } catch (error) {
    close();
    throw error;
  }
}

interface Opened {
  readonly changes: NetlinkSocket;
  readonly routes: RouteLookup;
  readonly dump: () => LinkTable;
  readonly close: () => void;
}

function createSession({ changes, routes, dump, close }: Opened): InterfaceSession {
  let table = dump();
  let known = table.links();
  return {
    links: () => known,
    routeTo: (address) => routes.routeTo(address),
    look: () => {
      const taken = takeChanges(changes, table);
      if (taken === 'stale') table = dump();
      const linksChanged = !isDeepStrictEqual(table.links(), known);
      if (linksChanged) known = table.links();
      const routesChanged = routes.refresh(linksChanged);
      return { isChanged: linksChanged || routesChanged, isMore: taken === 'more' };
    },
    omitted: () => table.omitted(),
    close,
  };
}

/** `stale`: something was lost, everything must be asked for anew. `more`: the rest waits until this has been seen. */
function takeChanges(changes: NetlinkSocket, table: LinkTable): 'all' | 'more' | 'stale' {
  let isStale = false;
  for (let count = 0; count < MAX_DATAGRAMS_PER_LOOK; count += 1) {
    const input = changes.receive();
    if (input === 'nothing') return isStale ? 'stale' : 'all';
    const end = input === 'overrun' ? 'stale' : takeDatagram(input, table);
    if (end === 'stale') isStale = true;
    else if (end === 'wentDown' && !isStale) return 'more';
  }
  return isStale ? 'stale' : 'more';
}

function takeDatagram(datagram: Buffer, table: LinkTable): 'taken' | 'wentDown' | 'stale' {
  const { messages, isCut } = decodeNetlinkDatagram(datagram);
  const results = messages.map((message) => table.apply(message));
  if (isCut || results.includes('unreadable')) return 'stale';
  return results.includes('wentDown') ? 'wentDown' : 'taken';
}
