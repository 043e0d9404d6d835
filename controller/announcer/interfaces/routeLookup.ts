import type { NetlinkSocket } from '../../../core/os/netlinkSocket.ts';
import { parseAddressOctets } from '../netlink/addressOctets.ts';
import type { NetlinkClient } from '../netlink/netlinkClient.ts';
import { NetlinkError } from '../netlink/netlinkError.ts';
import { decodeRouteMessage, encodeRouteLookup, ROUTE_LOCAL, ROUTE_UNICAST, RTM_GETROUTE, RTM_NEWROUTE } from '../netlink/routeMessage.ts';

/** Where routes lead, kept until routes change. */
export interface RouteLookup {
  /** Index of the interface that the route to `address` leads through; null: no route, or no address. Throws NetlinkError or SystemError. */
  routeTo(address: string): number | null;
  /**
   * Takes what the kernel has told about routes meanwhile; if there was something, or `linksChanged`, asks anew for every address
   * that was asked for. Answers whether one leads elsewhere now. Throws NetlinkError or SystemError.
   */
  refresh(linksChanged: boolean): boolean;
  /** Closes the socket that hears of routes. */
  close(): void;
}

/** Addresses that are kept: more are asked for each time, and their changes are not noticed. */
const MAX_ADDRESSES = 256;
/** Changes taken in one go, so that a router that reloads its tables does not hold up this thread. */
const MAX_CHANGES = 4_096;

/**
 * A lookup through `client`. `openChanges` opens a socket that hears of routes and rules: at the first address, as a node that is a
 * BGP router has many of them and most need none. What it says is of no interest, so its buffer may be short.
 */
export function createRouteLookup(client: NetlinkClient, openChanges: () => NetlinkSocket): RouteLookup {
  /** Address → index. */
  const known = new Map<string, number | null>();
  let changes: NetlinkSocket | null = null;
  return {
    routeTo: (address) => {
      changes ??= openChanges();
      const kept = known.get(address);
      if (kept !== undefined) return kept;
      const index = lookUp(client, address);
      if (known.size < MAX_ADDRESSES) known.set(address, index);
      return index;
    },
    refresh: (linksChanged) => {
      if (changes === null) return false;
      // With an interface its routes go without a word (IPv4).
      if (!drain(changes) && !linksChanged) return false;
      let isChanged = false;
      for (const [address, before] of known) {
        const index = lookUp(client, address);
        known.set(address, index);
        isChanged ||= index !== before;
      }
      return isChanged;
    },
    close: () => changes?.close(),
  };
}

function lookUp(client: NetlinkClient, text: string): number | null {
  const address = parseAddressOctets(text);
  if (address === null) return null;
  try {
    const answers = client.request({ type: RTM_GETROUTE, parts: encodeRouteLookup(address), purpose: `look up the route to ${text}` });
    const answer = answers.find(({ type }) => type === RTM_NEWROUTE);
    const route = answer === undefined ? null : decodeRouteMessage(answer.payload);
    return route !== null && LEADS_SOMEWHERE.includes(route.type) ? route.interfaceIndex : null;
  } catch (error) {
    // Whatever the reason (unreachable, prohibited, blackhole, a family the kernel lacks): packets go nowhere.
    if (error instanceof NetlinkError && error.code === 'refused') return null;
    throw error;
  }
}

const LEADS_SOMEWHERE: readonly number[] = [ROUTE_UNICAST, ROUTE_LOCAL];

/** Answers whether there was anything. */
function drain(changes: NetlinkSocket): boolean {
  for (let count = 0; count < MAX_CHANGES; count += 1) {
    if (changes.receive() === 'nothing') return count > 0;
  }
  return true;
}
