import { isArrayOf, isCount, isFields, isFiniteNumber, isFlag, isText, isTextOrNull } from '../../../core/ipc/messageShape.ts';
import type { BfdReport, BfdState } from '../bfd/bfdSpeaker.ts';
import type { BgpFamilyReport, BgpPathReport, BgpPeerEvent, BgpPeerReport, BgpReport, BgpRouteReport, BgpVipReport } from './bgpReport.ts';
import type { BgpReportDelta } from './bgpReportDelta.ts';
import type { MessageCounts, SessionError, SessionState } from './session/sessionEvents.ts';

const SESSION_STATES: readonly SessionState[] = ['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established'];
const BFD_STATES: readonly BfdState[] = ['AdminDown', 'Down', 'Init', 'Up'];
const ROUTE_STATES: readonly BgpRouteReport['state'][] = ['announced', 'draining', 'withdrawn'];
const COUNTS = ['open', 'update', 'notification', 'keepalive', 'routeRefresh', 'octets'] as const;

/** True for a complete report: every field is looked at, as whoever sent it has read what routers say. */
export function isBgpReport(value: unknown): value is BgpReport {
  return isFields(value) && isArrayOf(value['peers'], isPeer) && isArrayOf(value['routes'], isRoute) && isArrayOf(value['problems'], isText);
}

/** True for a complete delta. */
export function isBgpReportDelta(value: unknown): value is BgpReportDelta {
  return isFields(value) && isArrayOf(value['peers'], isPeer) && isArrayOf(value['problems'], isText) && isFlag(value['whole'])
    && isFields(value['routes']) && isArrayOf(value['routes']['upserts'], isRoute) && isArrayOf(value['routes']['deletes'], isText);
}

/** True for a complete event about a peer. */
export function isBgpPeerEvent(value: unknown): value is BgpPeerEvent {
  return isFields(value) && value['type'] === 'bgpPeer' && isText(value['peer']) && isText(value['remote'])
    && typeof value['up'] === 'boolean' && isText(value['reason']) && isFiniteNumber(value['atMs']);
}

function isPeer(value: unknown): value is BgpPeerReport {
  if (!isFields(value)) return false;
  const { name, remote, routerId, remoteHostName, port, localAsn, sinceMs, prefixesReceived, established } = value;
  return [name, remote, routerId, remoteHostName].every(isText)
    && [port, localAsn, prefixesReceived, established].every(isCount) && isFiniteNumber(sinceMs)
    && [value['vrf'], value['localAddress'], value['remoteRouterId']].every(isTextOrNull)
    && SESSION_STATES.some((state) => state === value['state'])
    && [value['remoteAsn'], value['holdTimeMs'], value['keepaliveTimeMs'], value['retryInMs']].every(isNumberOrNull)
    && isArrayOf(value['capabilities'], isText) && isArrayOf(value['families'], isFamilyReport)
    && isCounts(value['sent']) && isCounts(value['received'])
    && (value['lastError'] === null || isError(value['lastError']))
    && (value['bfd'] === null || isBfdReport(value['bfd']));
}

function isFamilyReport(value: unknown): value is BgpFamilyReport {
  return isFields(value) && isFamily(value['family']) && isCount(value['announced']) && isText(value['reason']);
}

function isCounts(value: unknown): value is MessageCounts {
  return isFields(value) && COUNTS.every((name) => isCount(value[name]));
}

function isError(value: unknown): value is SessionError {
  if (!isFields(value) || !isFiniteNumber(value['atMs']) || !isText(value['text'])) return false;
  const { notification } = value;
  if (notification === null) return true;
  return isFields(notification) && (notification['direction'] === 'sent' || notification['direction'] === 'received')
    && isFields(notification['fault']) && isCount(notification['fault']['code']) && isCount(notification['fault']['subcode']);
}

function isBfdReport(value: unknown): value is BfdReport {
  return isFields(value) && [value['name'], value['diagnostic'], value['remoteDiagnostic']].every(isText)
    && [value['state'], value['remoteState']].every((state) => BFD_STATES.some((known) => known === state))
    && isFiniteNumber(value['sinceMs'])
    && [value['transmitIntervalMs'], value['receiveIntervalMs'], value['detectionTimeMs']].every(isFiniteNumber)
    && isNumberOrNull(value['echoIntervalMs'])
    && [value['sent'], value['received'], value['dropped'], value['downs']].every(isCount);
}

function isRoute(value: unknown): value is BgpRouteReport {
  return isFields(value) && isText(value['prefix']) && isFamily(value['family']) && isText(value['reason']) && isFiniteNumber(value['sinceMs'])
    && isArrayOf(value['vips'], isVip)
    && ROUTE_STATES.some((state) => state === value['state'])
    && isArrayOf(value['paths'], isPath);
}

function isVip(value: unknown): value is BgpVipReport {
  return isFields(value) && isText(value['address']) && isArrayOf(value['services'], isText) && isText(value['obstacle']);
}

function isPath(value: unknown): value is BgpPathReport {
  return isFields(value) && isText(value['peer']) && isCount(value['pathId']) && isText(value['nextHop'])
    && isArrayOf(value['asPath'], isCount) && isArrayOf(value['communities'], isText)
    && [value['localPref'], value['med'], value['linkBandwidth'], value['onlyToCustomer']].every(isNumberOrNull);
}

function isFamily(value: unknown): boolean {
  return value === 'ipv4' || value === 'ipv6';
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || isFiniteNumber(value);
}
