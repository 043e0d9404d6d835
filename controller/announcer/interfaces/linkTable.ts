import {
  ADDRESS_FLAGS, decodeAddressMessage, RTM_DELADDR, RTM_NEWADDR, type AddressMessage,
} from '../netlink/addressMessage.ts';
import { decodeLinkMessage, LINK_FLAGS, RTM_DELLINK, RTM_NEWLINK, type LinkMessage } from '../netlink/linkMessage.ts';
import type { NetlinkMessage } from '../netlink/netlinkMessage.ts';
import type { Link, LinkAddress } from '../parts.ts';

/** The interfaces of a network namespace, kept up by messages of rtnetlink: bounded, no I/O. */
export interface LinkTable {
  /**
   * Takes one message, of a dump or of a change. `wentDown`: an interface was up and is not any more. `unreadable`: what is known
   * may be out of date. Messages about other things are passed over.
   */
  apply(message: NetlinkMessage): 'taken' | 'wentDown' | 'unreadable';
  /** Sorted by index; the same array until something changes. */
  links(): readonly Link[];
  /** Interfaces and addresses that found no room. */
  omitted(): number;
}

/** How much is kept; a node has some dozens of interfaces, one per pod, and kube-proxy's IPVS mode an address per Service. */
export const LINK_LIMITS = { links: 4_096, addressesPerLink: 4_096, addresses: 65_536 } as const;

interface Entry {
  readonly message: LinkMessage;
  /** By `address/prefixLength`. */
  readonly addresses: Map<string, LinkAddress>;
}

/** An empty one. */
export function createLinkTable(limits: Readonly<Record<keyof typeof LINK_LIMITS, number>> = LINK_LIMITS): LinkTable {
  /** By index. */
  const entries = new Map<number, Entry>();
  let current: readonly Link[] | null = null;
  let addressCount = 0;
  let omitted = 0;

  const removeLink = ({ index }: LinkMessage): void => {
    addressCount -= entries.get(index)?.addresses.size ?? 0;
    entries.delete(index);
  };
  const setLink = (message: LinkMessage): void => {
    const known = entries.get(message.index);
    if (known === undefined && entries.size >= limits.links) omitted += 1;
    else entries.set(message.index, { message, addresses: known?.addresses ?? new Map() });
  };
  const applyLink = (message: LinkMessage, isGone: boolean): 'taken' | 'wentDown' => {
    const wasUp = isUp(entries.get(message.index)?.message);
    if (isGone) removeLink(message);
    else setLink(message);
    return wasUp && (isGone || !isUp(message)) ? 'wentDown' : 'taken';
  };
  const setAddress = ({ addresses }: Entry, message: AddressMessage): void => {
    const key = addressKey(message);
    if (!addresses.has(key)) {
      if (addresses.size >= limits.addressesPerLink || addressCount >= limits.addresses) {
        omitted += 1;
        return;
      }
      addressCount += 1;
    }
    addresses.set(key, printAddress(message));
  };
  const applyAddress = (message: AddressMessage, isGone: boolean): 'taken' => {
    const entry = entries.get(message.index);
    if (entry !== undefined && !isGone) setAddress(entry, message);
    else if (entry?.addresses.delete(addressKey(message)) === true) addressCount -= 1;
    return 'taken';
  };
  return {
    apply: ({ type, payload }) => {
      const isLink = type === RTM_NEWLINK || type === RTM_DELLINK;
      if (!isLink && type !== RTM_NEWADDR && type !== RTM_DELADDR) return 'taken';
      const message = isLink ? decodeLinkMessage(payload) : decodeAddressMessage(payload);
      if (message === null) return 'unreadable';
      if (message === 'other') return 'taken';
      current = null;
      return 'name' in message ? applyLink(message, type === RTM_DELLINK) : applyAddress(message, type === RTM_DELADDR);
    },
    links: () => {
      current ??= [...entries.values()].map(toLink).toSorted((a, b) => a.index - b.index);
      return current;
    },
    omitted: () => omitted,
  };
}

function toLink({ message, addresses }: Entry): Link {
  const has = (flag: number): boolean => (message.flags & flag) !== 0;
  return {
    index: message.index,
    name: message.name,
    mac: message.mac,
    up: isUp(message),
    loopback: has(LINK_FLAGS.loopback),
    noArp: has(LINK_FLAGS.noArp),
    broadcast: has(LINK_FLAGS.broadcast),
    master: message.master,
    kind: message.kind,
    addresses: [...addresses.values()],
  };
}

/** RUNNING is RFC 2863's state, which waits for 802.1X; LOWER_UP the carrier. */
function isUp(message: LinkMessage | undefined): boolean {
  return message !== undefined && (message.flags & UP_FLAGS) === UP_FLAGS;
}

const UP_FLAGS = LINK_FLAGS.up | LINK_FLAGS.running | LINK_FLAGS.lowerUp;

function addressKey({ address, prefixLength }: AddressMessage): string {
  return `${address}/${prefixLength}`;
}

function printAddress({ address, prefixLength, flags }: AddressMessage): LinkAddress {
  return { address, prefixLength, usable: (flags & (ADDRESS_FLAGS.tentative | ADDRESS_FLAGS.duplicate)) === 0 };
}
