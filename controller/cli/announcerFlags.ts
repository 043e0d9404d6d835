import { readFileSync } from 'node:fs';
import { DEFAULT_MEMBERSHIP_PORT, EXCLUDED_INTERFACES, type AnnouncerSettings } from '../announcer/wanted.ts';
import { many, one, toggle } from './flag.ts';
import type { FlagValues } from './parseArguments.ts';
import { duration, integer, regularExpression, text } from './values.ts';

/** Default bit of the packet mark: one that neither kube-proxy, Calico, Cilium nor Weave takes unless told to. */
const DEFAULT_MARK_BIT = 21;
/** Ours; nothing registers the numbers of routing tables above 255. */
const DEFAULT_ROUTE_TABLE = 7946;
/** As keepalived and kube-vip do it, seldom enough to be no load: a switch that has forgotten learns again. */
const DEFAULT_GRATUITOUS_MS = 60_000;
/** 128 bits. */
const LEAST_KEY_OCTETS = 16;
const MOST_KEY_OCTETS = 4096;

/** Flags of `run` about announcing VIPs and forwarding in the kernel. */
export const ANNOUNCER_FLAGS = {
  membershipPort: one('membership-port', integer(1, 65_535), () => DEFAULT_MEMBERSHIP_PORT, {
    placeholder: 'PORT',
    help: 'UDP port on which the announcers of all nodes find out which of them are alive.',
    defaultText: String(DEFAULT_MEMBERSHIP_PORT),
  }),
  membershipKeyFile: one('membership-key-file', text('a file'), () => null, {
    placeholder: 'PATH',
    help: `File with a secret of at least ${LEAST_KEY_OCTETS} octets, the same on all nodes, by which they know each other. Without it anybody on the network can speak for a node.`,
    defaultText: 'none',
  }),
  quorum: toggle('announcer-quorum', false, 'A node that hears from no more than half of all nodes, itself included, gives up its addresses: better none than two owners.'),
  excludedInterfaces: many('exclude-interfaces', regularExpression, {
    placeholder: 'REGEX',
    help: 'Interfaces that are not used for announcing unless an L2Advertisement names them.',
    defaultText: 'those of containers and tunnels: veth, cni, cali, docker, flannel, kube-ipvs, lo and others',
    fallback: () => EXCLUDED_INTERFACES,
  }),
  gratuitousInterval: one('gratuitous-interval', duration, () => DEFAULT_GRATUITOUS_MS, {
    placeholder: 'DURATION',
    help: 'How often an owner repeats its gratuitous ARP and unsolicited neighbour advertisements. 0s: only when it takes an address over.',
    defaultText: '60s',
  }),
  markBit: one('forwarding-mark-bit', integer(0, 31), () => DEFAULT_MARK_BIT, {
    placeholder: 'BIT',
    help: 'Bit of the packet mark by which packets for the proxy find their way. One that nothing else on the node uses.',
    defaultText: String(DEFAULT_MARK_BIT),
  }),
  routeTable: one('forwarding-route-table', integer(256, 2_147_483_647), () => DEFAULT_ROUTE_TABLE, {
    placeholder: 'NUMBER',
    help: 'Routing table for those packets.',
    defaultText: String(DEFAULT_ROUTE_TABLE),
  }),
  setSysctls: toggle('set-sysctls', false, 'Set the sysctls that forwarding needs (net.ipv4.ip_forward and others). Off: what is wrong is only reported.'),
} as const;

/** What ANNOUNCER_FLAGS say. Throws when the key cannot be read or is too short. */
export function announcerSettings(flags: FlagValues<typeof ANNOUNCER_FLAGS>, nodeName: string): AnnouncerSettings {
  const { membershipPort, membershipKeyFile, quorum, excludedInterfaces, routeTable, setSysctls } = flags;
  return {
    nodeName,
    membershipPort,
    membershipKey: membershipKeyFile === null ? null : readKey(membershipKeyFile),
    quorum,
    excludedInterfaces,
    gratuitousIntervalMs: flags.gratuitousInterval,
    mark: 2 ** flags.markBit,
    routeTable,
    setSysctls,
  };
}

/** Base64 of the file's content, without the line end that editors put there. */
function readKey(path: string): string {
  const key = trimEnd(readFileSync(path));
  if (key.length >= LEAST_KEY_OCTETS && key.length <= MOST_KEY_OCTETS) return key.toString('base64');
  throw new Error(`--membership-key-file: ${path} must hold ${LEAST_KEY_OCTETS} to ${MOST_KEY_OCTETS} octets; it holds ${key.length}`);
}

function trimEnd(octets: Buffer): Buffer {
  let end = octets.length;
  while (end > 0 && [0x0a, 0x0d].includes(octets[end - 1] ?? 0)) end -= 1;
  return octets.subarray(0, end);
}
