import { isIPv4, isIP } from 'node:net';
import { isArrayOf, isCount, isFields, isFlag, isText, isTextOrNull } from '../../../core/ipc/messageShape.ts';
import { parseCidr } from '../../../core/net/ipRange.ts';
import type { BfdSettings } from '../bfd/bfdSettings.ts';
import type { BgpRole, OtherNode, PeerAuthentication, RouteAnnouncement, RouteVip, TcpAoAlgorithm, VipEndpoints, WantedPeer, WantedRoute } from './bgpWanted.ts';

const MAX_UINT32 = 2 ** 32 - 1;
const MAX_PORT = 65_535;
const MAX_TTL = 255;
const ROLES: readonly BgpRole[] = ['provider', 'route-server', 'route-server-client', 'customer', 'peer'];
const ENDPOINTS: readonly VipEndpoints[] = ['ready', 'none', 'elsewhere'];
const ALGORITHMS: readonly TcpAoAlgorithm[] = ['hmac-sha1-96', 'aes-128-cmac-96', 'hmac-sha256'];

/** True for all peers of a wanted state, by name. */
export function isWantedPeers(value: unknown): value is ReadonlyMap<string, WantedPeer> {
  return value instanceof Map && [...value].every(([name, peer]: readonly [unknown, unknown]) => isWantedPeer(peer) && peer.name === name);
}

/** True for a route of a wanted state. */
export function isWantedRoute(value: unknown): value is WantedRoute {
  return isFields(value) && isText(value['prefix']) && parseCidr(value['prefix']).ok && isFamily(value['family'])
    && isArrayOf(value['vips'], isVip) && isArrayOf(value['announcements'], isAnnouncement) && isArrayOf(value['otherNodes'], isOtherNode);
}

function isWantedPeer(value: unknown): value is WantedPeer {
  if (!isFields(value)) return false;
  const { name, localAsn, remoteAsn, remote, port, sourceAddress, vrf, routerId, connect, ttl, minimumTtl, families, role } = value;
  return isText(name) && isAsn(localAsn) && isRemoteAsn(remoteAsn) && isRemote(remote) && isBetween(port, 1, MAX_PORT)
    && (sourceAddress === null || isAddress(sourceAddress)) && isTextOrNull(vrf)
    && isText(routerId) && isIPv4(routerId)
    && (connect === 'active' || connect === 'passive' || connect === 'both')
    && [value['delayOpenMs'], value['holdTimeMs'], value['keepaliveTimeMs'], value['connectTimeMs']].every(isCount)
    && (value['authentication'] === null || isAuthentication(value['authentication']))
    && isBetween(ttl, 1, MAX_TTL) && (minimumTtl === null || isBetween(minimumTtl, 1, MAX_TTL))
    && isArrayOf(families, isFamily) && isGracefulRestart(value['gracefulRestart'])
    && isCount(value['addPathSend']) && (role === null || ROLES.some((known) => known === role))
    && (value['bfd'] === null || isBfdSettings(value['bfd'])) && isTextOrNull(value['shutdown']);
}

function isRemoteAsn(value: unknown): boolean {
  if (!isFields(value)) return false;
  return value['type'] === 'number' ? isAsn(value['asn']) : value['type'] === 'internal' || value['type'] === 'external';
}

function isRemote(value: unknown): boolean {
  if (!isFields(value)) return false;
  return value['type'] === 'address' ? isAddress(value['address']) : value['type'] === 'interface' && isText(value['interface']) && value['interface'] !== '';
}

function isAuthentication(value: unknown): value is PeerAuthentication {
  if (!isFields(value)) return false;
  if (value['type'] === 'md5') return isText(value['password']);
  return value['type'] === 'ao' && isBetween(value['keyId'], 0, 255) && isBetween(value['receiveKeyId'], 0, 255)
    && ALGORITHMS.some((known) => known === value['algorithm']) && isText(value['key']);
}

function isGracefulRestart(value: unknown): boolean {
  if (value === null) return true;
  return isFields(value) && isCount(value['restartTimeMs']) && (value['longLivedStaleTimeMs'] === null || isCount(value['longLivedStaleTimeMs']));
}

function isBfdSettings(value: unknown): value is BfdSettings {
  if (!isFields(value)) return false;
  const { receiveIntervalMs, transmitIntervalMs, detectMultiplier, echoIntervalMs, echoReceiveIntervalMs, passive, hops } = value;
  return [receiveIntervalMs, transmitIntervalMs, echoReceiveIntervalMs].every((interval) => isBetween(interval, 1, 60_000)) && isBetween(detectMultiplier, 1, 255)
    && (echoIntervalMs === null || isBetween(echoIntervalMs, 1, 60_000)) && isFlag(passive)
    && isFields(hops) && (hops['type'] === 'single' || (hops['type'] === 'multihop' && isBetween(hops['minimumTtl'], 1, MAX_TTL)));
}

function isVip(value: unknown): value is RouteVip {
  return isFields(value) && isAddress(value['address']) && [value['needsProxy'], value['needsKernel'], value['draining']].every(isFlag)
    && ENDPOINTS.some((known) => known === value['endpoints']) && isArrayOf(value['services'], isText);
}

function isAnnouncement(value: unknown): value is RouteAnnouncement {
  return isFields(value) && isArrayOf(value['peers'], isText)
    && [value['localPref'], value['med']].every((number) => number === null || isUint32(number))
    && isArrayOf(value['communities'], isUint32)
    && isArrayOf(value['largeCommunities'], (large) => isArrayOf(large, isUint32) && (large as readonly unknown[]).length === 3)
    && isCount(value['asPathPrepend'])
    && (value['linkBandwidth'] === null || isCount(value['linkBandwidth']));
}

function isOtherNode(value: unknown): value is OtherNode {
  return isFields(value) && isText(value['node']) && isAddress(value['nextHop']);
}

function isFamily(value: unknown): boolean {
  return value === 'ipv4' || value === 'ipv6';
}

function isAsn(value: unknown): boolean {
  return isBetween(value, 1, MAX_UINT32);
}

function isUint32(value: unknown): boolean {
  return isBetween(value, 0, MAX_UINT32);
}

function isBetween(value: unknown, least: number, most: number): boolean {
  return isCount(value) && value >= least && value <= most;
}

function isAddress(value: unknown): boolean {
  return isText(value) && isIP(value) !== 0 && !value.includes('%');
}
