import { isIP } from 'node:net';
import { isArrayOf, isCount, isFields, isFiniteNumber, isFlag, isText, type Fields } from '../../core/ipc/messageShape.ts';
import { l4Key } from '../../core/ir/l4.ts';
import { isLogLevel, type LogLevel } from '../../core/log/logger.ts';
import { parseCidr } from '../../core/net/ipRange.ts';
import type { Right } from '../election/electionState.ts';
import { isWantedPeers, isWantedRoute } from './bgp/isBgpWanted.ts';
import { isAnnouncerReport } from './isAnnouncerReport.ts';
import type { LeaseNews } from './leases.ts';
import type { ProxyState, ToAnnouncer, WantedDelta } from './messages.ts';
import type { AnnouncedVip, AnnouncerSettings, ForwardedPort, ForwardTarget, KernelEndpoint, VipCandidate } from './wanted.ts';

type Start = Extract<ToAnnouncer, { readonly type: 'start' }>;
/** A start message whose log level is known. */
export type DecodedStart = Start & { readonly logLevel: LogLevel };
/** What decodeToAnnouncer answers. */
export type DecodedToAnnouncer = DecodedStart | Exclude<ToAnnouncer, Start>;

const MAX_PORT = 65_535;
const MAX_WEIGHT = 1_000_000;
const MAX_UINT32 = 2 ** 32 - 1;

/**
 * Checks what the controller sends; throws TypeError when it is no message of this protocol, which means that the two are of
 * different versions. Addresses and numbers are checked one by one: they become nftables text and frames of a process that
 * may change this node's network.
 */
export function decodeToAnnouncer(value: unknown): DecodedToAnnouncer {
  if (isFields(value) && isToAnnouncer(value)) return value;
  throw new TypeError('message from the controller is not of this protocol: controller and announcer differ in version');
}

function isToAnnouncer(value: Fields): value is Fields & DecodedToAnnouncer {
  switch (value['type']) {
    case 'start':
      return isSettings(value['settings']) && isLogLevel(value['logLevel'])
        && (value['logFormat'] === 'text' || value['logFormat'] === 'json')
        && (value['inherited'] === null || isAnnouncerReport(value['inherited']));
    case 'want': return isWantedDelta(value['delta']);
    case 'proxy': return isProxyState(value['proxy']);
    case 'leases': return isLeaseNews(value['news']);
    case 'stop': return isFlag(value['forGood']);
    default: return false;
  }
}

function isSettings(value: unknown): value is AnnouncerSettings {
  return isFields(value) && isText(value['nodeName']) && value['nodeName'] !== ''
    && isPort(value['membershipPort'])
    && (value['membershipKey'] === null || isText(value['membershipKey']))
    && isFlag(value['quorum'])
    && isArrayOf(value['excludedInterfaces'], isText)
    && isCount(value['gratuitousIntervalMs'])
    && isUint32(value['mark']) && value['mark'] !== 0
    && isUint32(value['routeTable']) && value['routeTable'] !== 0
    && isFlag(value['setSysctls']);
}

function isWantedDelta(value: unknown): value is WantedDelta {
  if (!isFields(value)) return false;
  const { ports, vips, nodes, peers, routes } = value;
  return isCount(value['generation']) && isFlag(value['whole'])
    && isFields(ports) && isArrayOf(ports['upserts'], isForwardedPort) && isArrayOf(ports['deletes'], isText)
    && isFields(vips) && isArrayOf(vips['upserts'], isAnnouncedVip) && isArrayOf(vips['deletes'], isText)
    && (nodes === null || isNodes(nodes))
    && (peers === null || isWantedPeers(peers))
    && isFields(routes) && isArrayOf(routes['upserts'], isWantedRoute) && isArrayOf(routes['deletes'], isText);
}

function isForwardedPort(value: unknown): value is ForwardedPort {
  if (!isFields(value)) return false;
  const { key, protocol, address, port, sourceRanges } = value;
  return (protocol === 'tcp' || protocol === 'udp') && isAddress(address) && isPort(port)
    && key === l4Key(protocol, address, port)
    && isForwardTarget(value['to'])
    && (sourceRanges === null || isArrayOf(sourceRanges, isCidr));
}

function isForwardTarget(value: unknown): value is ForwardTarget {
  if (!isFields(value)) return false;
  if (value['type'] === 'proxy') return true;
  const { affinityTimeoutMs, balance } = value;
  return value['type'] === 'endpoints'
    && isArrayOf(value['endpoints'], isKernelEndpoint) && isArrayOf(value['ownEndpoints'], isKernelEndpoint)
    && isFlag(value['keepSource'])
    && (affinityTimeoutMs === null || isCount(affinityTimeoutMs))
    && (balance === 'random' || balance === 'maglev');
}

function isKernelEndpoint(value: unknown): value is KernelEndpoint {
  return isFields(value) && isAddress(value['address']) && isPort(value['port'])
    && isCount(value['weight']) && value['weight'] >= 1 && value['weight'] <= MAX_WEIGHT
    && (value['node'] === undefined || isText(value['node']));
}

function isAnnouncedVip(value: unknown): value is AnnouncedVip {
  return isFields(value) && isAddress(value['address'])
    && isArrayOf(value['candidates'], isCandidate)
    && isArrayOf(value['interfaces'], isText)
    && (value['sharing'] === 'owner' || value['sharing'] === 'perClient')
    && isFlag(value['sticky']) && isFlag(value['needsProxy'])
    && (value['ownership'] === 'hash' || value['ownership'] === 'lease')
    && isArrayOf(value['services'], isText);
}

function isCandidate(value: unknown): value is VipCandidate {
  return isFields(value) && isText(value['node']) && Number.isSafeInteger(value['preference']);
}

function isNodes(value: unknown): value is ReadonlyMap<string, readonly string[]> {
  return value instanceof Map
    && [...value].every(([node, addresses]: readonly [unknown, unknown]) => isText(node) && isArrayOf(addresses, isAddress));
}

function isProxyState(value: unknown): value is ProxyState {
  return isFields(value) && isFlag(value['serving'])
    && (value['pid'] === null || (isCount(value['pid']) && value['pid'] > 0));
}

function isLeaseNews(value: unknown): value is LeaseNews {
  if (!isFields(value)) return false;
  const { sequence, reachable, rights } = value;
  return isCount(sequence) && isFlag(reachable) && rights instanceof Map
    && [...rights].every(([address, right]: readonly [unknown, unknown]) => isAddress(address) && isRight(right));
}

function isRight(value: unknown): value is Right {
  return isFields(value) && isFiniteNumber(value['untilMonotonicMs']) && isFiniteNumber(value['untilWallMs']);
}

function isPort(value: unknown): value is number {
  return isCount(value) && value > 0 && value <= MAX_PORT;
}

function isUint32(value: unknown): value is number {
  return isCount(value) && value <= MAX_UINT32;
}

/** A zone (`%eth0`) is text, which nothing here is to pass on. */
function isAddress(value: unknown): value is string {
  return isText(value) && isIP(value) !== 0 && !value.includes('%');
}

function isCidr(value: unknown): value is string {
  return isText(value) && !/\s/.test(value) && parseCidr(value).ok;
}
