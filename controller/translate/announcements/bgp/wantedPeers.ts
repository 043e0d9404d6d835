import { isIPv6 } from 'node:net';
import type { Problem } from '../../../../core/ir/problem.ts';
import { hash32 } from '../../../../core/balance/hash32.ts';
import { parseIpAddress, printIpAddress } from '../../../../core/net/ipAddress.ts';
import type { BfdSettings } from '../../../announcer/bfd/bfdSettings.ts';
import type { PeerAuthentication, WantedPeer } from '../../../announcer/bgp/bgpWanted.ts';
import type { AddressFamily } from '../../../announcer/bgp/codec/message.ts';
import type { BGPPeer } from '../../../model/bgpPeer.ts';
import type { ObjectIndex } from '../../../model/store.ts';
import { compareAge, compareText } from '../../ingressAge.ts';
import { problemOf } from '../../problemOf.ts';
import type { TranslateOptions } from '../../translation.ts';
import { selectsNode } from '../carryingNodes.ts';
import { judgePeers } from '../judgePeers.ts';
import { ONE_NODE } from '../nodeReach.ts';

/** The routers this node speaks to. */
export interface OwnPeers {
  /** By name, `namespace/name`, sorted. */
  readonly wanted: ReadonlyMap<string, WantedPeer>;
  /** `metadata.name` → the names above: advertisements name peers without a namespace. */
  readonly byName: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly Problem[];
}

/** MetalLB's without FRR, and RFC 4271 section 10. */
const DEFAULT_HOLD_MS = 90_000;
const DEFAULT_KEEPALIVE_MS = 30_000;
const DEFAULT_CONNECT_MS = 120_000;
/** FRR's. */
const DEFAULT_RESTART_MS = 120_000;
const MAX_TTL = 255;
/** TCP_MD5SIG_MAXKEYLEN and TCP_AO_MAXKEYLEN of Linux. */
const MAX_KEY_BYTES = 80;
const SECRET_TYPE = 'kubernetes.io/basic-auth';
const HASH_SEED = 179;

/**
 * Those whose nodeSelectors are for this node, without those that contradict an older one that is not left out itself. One whose
 * password is missing still counts against younger ones: it is on its way, and its router is not to be spoken to without it.
 */
export function wantedPeers(objects: ObjectIndex, options: Pick<TranslateOptions, 'nodeName'>): OwnPeers {
  const node = objects.get('Node', '', options.nodeName);
  const here = [...objects.list('BGPPeer')].filter((peer) => node === undefined || selectsNode(peer, node)).toSorted(compareAge);
  const refused = new Set(
    judgePeers(here, [], () => ONE_NODE).filter(({ severity }) => severity === 'error').map(({ object }) => `${object?.namespace}/${object?.name}`),
  );
  const agreeing = here.filter((peer) => !refused.has(nameOf(peer)));
  const routerId = routerIdOf(agreeing, objects, options);
  const problems: Problem[] = [];
  const wanted: WantedPeer[] = [];
  for (const peer of agreeing) {
    const authentication = authenticationOf(peer, objects, problems);
    if (authentication === undefined) continue;
    wanted.push(wantedPeer(peer, { authentication, bfd: bfdOf(peer, objects), routerId }));
  }
  const sorted = wanted.toSorted((a, b) => compareText(a.name, b.name));
  return {
    wanted: new Map(sorted.map((peer) => [peer.name, peer])),
    byName: Map.groupBy(sorted.map(({ name }) => name), (name) => name.slice(name.indexOf('/') + 1)),
    problems,
  };
}

function nameOf({ metadata }: BGPPeer): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function wantedPeer(
  peer: BGPPeer,
  { authentication, bfd, routerId }: Pick<WantedPeer, 'authentication' | 'bfd' | 'routerId'>,
): WantedPeer {
  const { extras } = peer;
  const holdTimeMs = peer.holdTimeMs ?? DEFAULT_HOLD_MS;
  return {
    name: nameOf(peer),
    localAsn: peer.localASN ?? peer.myASN,
    remoteAsn: peer.peerASN,
    remote: peer.peer.type === 'address' ? { type: 'address', address: canonical(peer.peer.address) } : peer.peer,
    port: peer.peerPort,
    sourceAddress: peer.sourceAddress === null ? null : canonical(peer.sourceAddress),
    vrf: peer.vrf,
    routerId,
    connect: extras.connectMode,
    delayOpenMs: extras.delayOpenTimeMs,
    holdTimeMs,
    keepaliveTimeMs: peer.keepaliveTimeMs ?? DEFAULT_KEEPALIVE_MS,
    connectTimeMs: peer.connectTimeMs ?? DEFAULT_CONNECT_MS,
    authentication,
    ...timeToLive(peer),
    families: familiesOf(peer),
    gracefulRestart: peer.enableGracefulRestart
      ? { restartTimeMs: extras.gracefulRestartTimeMs ?? DEFAULT_RESTART_MS, longLivedStaleTimeMs: extras.longLivedStaleTimeMs }
      : null,
    addPathSend: extras.addPathSend,
    role: extras.role,
    bfd,
    shutdown: extras.shutdown,
  };
}

function isInternal(peer: BGPPeer): boolean {
  const { peerASN } = peer;
  return peerASN.type === 'number' ? peerASN.asn === (peer.localASN ?? peer.myASN) : peerASN.type === 'internal';
}

/** A neighbour of another AS is one hop away (RFC 4271 section 5.1.3), unless it is said to be further. */
function timeToLive(peer: BGPPeer): Pick<WantedPeer, 'ttl' | 'minimumTtl'> {
  const isFar = peer.ebgpMultiHop || isInternal(peer);
  const hops = isFar ? (peer.extras.multihopTTL ?? MAX_TTL) : 1;
  if (peer.extras.ttlSecurity) return { ttl: MAX_TTL, minimumTtl: MAX_TTL + 1 - hops };
  return { ttl: isFar ? hops : 1, minimumTtl: null };
}

/** Each session carries the family of its own address, as with MetalLB, unless both are asked for; an interface carries both. */
function familiesOf({ peer, dualStackAddressFamily }: BGPPeer): readonly AddressFamily[] {
  if (dualStackAddressFamily || peer.type === 'interface') return ['ipv4', 'ipv6'];
  return isIPv6(peer.address) ? ['ipv6'] : ['ipv4'];
}

/** Of a peer of the own AS the hops are several, as it may be anywhere; where it is on the link, it is watched there, too, in a single hop. */
function bfdOf(peer: BGPPeer, objects: ObjectIndex): BfdSettings | null {
  const profile = peer.bfdProfile === null ? undefined : [...objects.list('BFDProfile')].toSorted(compareAge).find(({ metadata }) => metadata.name === peer.bfdProfile);
  if (profile === undefined) return null;
  const isFar = peer.ebgpMultiHop || isInternal(peer);
  return {
    receiveIntervalMs: profile.receiveIntervalMs,
    transmitIntervalMs: profile.transmitIntervalMs,
    detectMultiplier: profile.detectMultiplier,
    // Whether it can be used shows by the addresses and hops of each session.
    echoIntervalMs: profile.echoMode ? profile.echoIntervalMs : null,
    echoReceiveIntervalMs: profile.echoIntervalMs,
    passive: profile.passiveMode,
    hops: isFar ? { type: 'multihop', minimumTtl: profile.minimumTtl } : { type: 'single' },
  };
}

/** One for all peers: what one of them says; else the lowest IPv4 address of the Node; else one made of its name, as RFC 6286 allows. */
function routerIdOf(peers: readonly BGPPeer[], objects: ObjectIndex, { nodeName }: Pick<TranslateOptions, 'nodeName'>): string {
  const said = peers.find(({ routerID }) => routerID !== null)?.routerID ?? null;
  if (said !== null) return said;
  const addresses = (objects.get('Node', '', nodeName)?.internalIPs ?? []).flatMap((text) => {
    const address = parseIpAddress(text);
    return address?.family === 'IPv4' ? [address] : [];
  });
  const [lowest] = addresses.toSorted((a, b) => (a.value < b.value ? -1 : 1));
  return printIpAddress(lowest ?? { family: 'IPv4', value: BigInt(hash32(nodeName, HASH_SEED) || 1) });
}

/** Null: there is none. Undefined: its password is missing, without which no session comes up; it is not tried, and said why. */
function authenticationOf(peer: BGPPeer, objects: ObjectIndex, problems: Problem[]): PeerAuthentication | null | undefined {
  const text = peer.password === null ? null : Buffer.from(peer.password).toString('latin1');
  const key = peer.passwordSecret === null ? text : secretPassword(peer, objects, problems);
  if (key === null) return peer.passwordSecret === null ? null : undefined;
  const { tcpAO } = peer.extras;
  if (tcpAO === null) return { type: 'md5', password: key };
  return { type: 'ao', keyId: tcpAO.keyID, receiveKeyId: tcpAO.receiveKeyID, algorithm: tcpAO.algorithm, key };
}

function secretPassword(peer: BGPPeer, objects: ObjectIndex, problems: Problem[]): string | null {
  const name = peer.passwordSecret ?? '';
  const secret = objects.get('Secret', peer.metadata.namespace, name);
  const refuse = (rule: string): null => {
    problems.push(problemOf(peer, { severity: 'error', field: 'spec.passwordSecret', rule, value: name, effect: 'no session is opened to this peer' }));
    return null;
  };
  if (secret === undefined) return refuse(`must name a Secret that exists in namespace ${peer.metadata.namespace}`);
  if (secret.type !== SECRET_TYPE) return refuse(`must name a Secret of type ${SECRET_TYPE}`);
  const password = secret.data.get('password');
  if (password === undefined || password.length === 0) return refuse('must name a Secret with the key password');
  if (password.length > MAX_KEY_BYTES) return refuse(`must name a Secret whose password has at most ${MAX_KEY_BYTES} bytes`);
  if (password.at(-1) === 0x0a) {
    const rule = 'names a Secret whose password ends with a line break, which counts as part of it';
    problems.push(problemOf(peer, { severity: 'warning', field: 'spec.passwordSecret', rule, value: name, effect: 'the peer must have it too, or no session comes up' }));
  }
  return password.toString('latin1');
}

function canonical(text: string): string {
  const address = parseIpAddress(text);
  return address === null ? text : printIpAddress(address);
}
