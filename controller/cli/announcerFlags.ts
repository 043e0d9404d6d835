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
/** The present one, and those before and after it: as many as membership accepts. */
const MOST_KEYS = 4;
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
    help: `File with a secret of at least ${LEAST_KEY_OCTETS} octets, the same on all nodes, by which they know each other; or with several in lines of text, of which the first is sent with and all are accepted. Without it anybody on the network can speak for a node.`,
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
    membershipKey: membershipKeyFile === null ? null : readKeys(membershipKeyFile),
    quorum,
    excludedInterfaces,
    gratuitousIntervalMs: flags.gratuitousInterval,
    mark: 2 ** flags.markBit,
    routeTable,
    setSysctls,
  };
}

/**
 * The keys of a file, base64, separated by spaces. Text of several lines is a key in each, and `base64:` before one says that it is
 * that; everything else is one key as it is, without the line end that editors put there.
 */
function readKeys(path: string): string {
  const content = trimEnd(readFileSync(path));
  const lines = isText(content) ? content.toString('latin1').split(/\r?\n/).filter((line) => line.trim() !== '') : [];
  if (lines.length > MOST_KEYS) throw new Error(`--membership-key-file: ${path} must hold at most ${MOST_KEYS} keys; it holds ${lines.length}`);
  const keys = lines.length > 0 ? lines.map((line) => keyOf(line.trim())) : [content];
  for (const { length } of keys) {
    if (length >= LEAST_KEY_OCTETS && length <= MOST_KEY_OCTETS) continue;
    throw new Error(`--membership-key-file: ${path} must hold ${LEAST_KEY_OCTETS} to ${MOST_KEY_OCTETS} octets${keys.length > 1 ? ' in each line' : ''}; it holds ${length}`);
  }
  return keys.map((key) => key.toString('base64')).join(' ');
}

const BASE64 = 'base64:';

/** Octets that are no text can be written so, such as a key that was the whole file before. */
function keyOf(line: string): Buffer {
  return line.startsWith(BASE64) ? Buffer.from(line.slice(BASE64.length), 'base64') : Buffer.from(line, 'latin1');
}

/** Printable ASCII, in lines. */
function isText(octets: Buffer): boolean {
  return octets.length > 0 && octets.every((octet) => octet === 0x0a || octet === 0x0d || (octet >= 0x20 && octet <= 0x7e));
}

function trimEnd(octets: Buffer): Buffer {
  let end = octets.length;
  while (end > 0 && [0x0a, 0x0d].includes(octets[end - 1] ?? 0)) end -= 1;
  return octets.subarray(0, end);
}
