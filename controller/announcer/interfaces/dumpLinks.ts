import { encodeAddressDump, RTM_GETADDR } from '../netlink/addressMessage.ts';
import { encodeLinkDump, RTM_GETLINK } from '../netlink/linkMessage.ts';
import type { NetlinkClient, NetlinkRequest } from '../netlink/netlinkClient.ts';
import { NetlinkError } from '../netlink/netlinkError.ts';
import { createLinkTable, type LinkTable } from './linkTable.ts';

/** Interfaces come and go by the hundred while a node starts its pods; each try takes about a millisecond. */
const TRIES = 10;

/** All interfaces and addresses as they are now. Throws NetlinkError or SystemError. */
export function dumpLinks(client: NetlinkClient): LinkTable {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const table = createLinkTable();
    if (REQUESTS.every((request) => fill(table, client, request))) return table;
  }
  throw new NetlinkError('interrupted', 'list network interfaces');
}

const REQUESTS: readonly NetlinkRequest[] = [
  { type: RTM_GETLINK, parts: encodeLinkDump(), purpose: 'list network interfaces' },
  { type: RTM_GETADDR, parts: encodeAddressDump(), purpose: 'list addresses of network interfaces' },
];

/** Answers whether the list was whole. */
function fill(table: LinkTable, client: NetlinkClient, request: NetlinkRequest): boolean {
  const messages = client.dump(request);
  for (;;) {
    const { done, value } = messages.next();
    if (done === true) return value === 'whole';
    if (table.apply(value) === 'unreadable') throw new NetlinkError('malformed', request.purpose);
  }
}
