import { isIP, isIPv4 } from 'node:net';
import { ADDRESS, HOST_ADDRESS, ROUTER_ID } from './addressForm.ts';
import { decodeBgpTimers } from './bgpTimers.ts';
import { decodeBgpPeerExtras, EXTRA_FIELDS } from './bgpPeerExtras.ts';
import { groupOf, METALLB_GROUP, type Decoding } from './decoding.ts';
import type { FieldReader } from './fieldReader.ts';
import { INTERFACE } from './interfaceForm.ts';
import { decodeLabelSelectors } from './labelSelector.ts';
import { DNS_SUBDOMAIN, type TextForm } from './textForm.ts';
import { reportUnknownFields } from './unknownFields.ts';
import type { BGPPeer } from '../model/bgpPeer.ts';

const FIELDS = [
  'myASN',
  'peerASN',
  'dynamicASN',
  'localASN',
  'peerAddress',
  'interface',
  'peerPort',
  'sourceAddress',
  'holdTime',
  'keepaliveTime',
  'connectTime',
  'routerID',
  'nodeSelectors',
  'password',
  'passwordSecret',
  'bfdProfile',
  'enableGracefulRestart',
  'ebgpMultiHop',
  'vrf',
  'disableMP',
  'dualStackAddressFamily',
];

const MAX_ASN = 4_294_967_295;
const MAX_PORT = 65_535;
/** IANA: bgp. */
const DEFAULT_PORT = 179;
/** Linux: TCP_MD5SIG_MAXKEYLEN. */
const MAX_PASSWORD_BYTES = 80;

/** gatehouse.dev/v1, metallb.io/v1beta2 or metallb.io/v1beta1 BGPPeer: the older form has fewer fields, of the same names. */
export function decodeBGPPeer(decoding: Decoding): BGPPeer | null {
  const { object, base, apiVersion } = decoding;
  const spec = object.requiredMap('spec');
  if (spec === null) return null;
  const own = groupOf(decoding) !== METALLB_GROUP;
  reportUnknownFields(spec, own ? [...FIELDS, ...EXTRA_FIELDS] : FIELDS);
  if (!spec.has('myASN')) spec.fail('myASN', 'must be set');
  const oldest = apiVersion === 'metallb.io/v1beta1';
  const peer: BGPPeer = {
    ...base,
    kind: 'BGPPeer',
    group: groupOf(decoding),
    myASN: spec.integer('myASN', 1, MAX_ASN) ?? 1,
    peerASN: decodePeerAsn(spec),
    localASN: spec.integer('localASN', 1, MAX_ASN),
    peer: decodePeer(spec),
    peerPort: spec.integer('peerPort', oldest ? 0 : 1, MAX_PORT) || DEFAULT_PORT,
    sourceAddress: optionalText(spec, 'sourceAddress', ADDRESS),
    ...decodeBgpTimers(spec, { zeroIsUnset: oldest }),
    routerID: optionalText(spec, 'routerID', ROUTER_ID),
    nodeSelectors: decodeLabelSelectors(spec, 'nodeSelectors'),
    ...decodePassword(spec, base.metadata.namespace),
    bfdProfile: optionalText(spec, 'bfdProfile', DNS_SUBDOMAIN),
    enableGracefulRestart: spec.flag('enableGracefulRestart') ?? false,
    ebgpMultiHop: spec.flag('ebgpMultiHop') ?? false,
    vrf: optionalText(spec, 'vrf', INTERFACE),
    dualStackAddressFamily: spec.flag('dualStackAddressFamily') ?? false,
    extras: decodeBgpPeerExtras(own ? spec : null),
  };
  judgeExtras(peer, spec);
  judgeSource(peer, spec);
  if (spec.flag('disableMP') === true) reportDisableMP(peer, spec);
  if (peer.ebgpMultiHop && isInternal(peer)) spec.fail('ebgpMultiHop', 'must not be set for a peer of the own AS (iBGP)', true);
  return object.failed ? null : peer;
}

/** What only makes sense beside something else. */
function judgeExtras(peer: BGPPeer, spec: FieldReader): void {
  const { tcpAO, multihopTTL, longLivedStaleTimeMs, gracefulRestartTimeMs, role } = peer.extras;
  if (tcpAO !== null && peer.password === null && peer.passwordSecret === null) spec.fail('tcpAO', 'must not be set without password or passwordSecret: that is its key');
  if (multihopTTL !== null && !peer.ebgpMultiHop) spec.fail('multihopTTL', 'must not be set without ebgpMultiHop', multihopTTL);
  if (role !== null && isInternal(peer)) spec.fail('role', 'must not be set for a peer of the own AS (RFC 9234)', role);
  if (peer.enableGracefulRestart) return;
  for (const [key, value] of [['gracefulRestartTime', gracefulRestartTimeMs], ['longLivedStaleTime', longLivedStaleTimeMs]] as const) {
    if (value !== null) spec.fail(key, 'must not be set without enableGracefulRestart', spec.value(key));
  }
}

/** Both ends of a connection are of one family; on an interface they are link-local addresses of IPv6. */
function judgeSource({ peer, sourceAddress }: BGPPeer, spec: FieldReader): void {
  if (sourceAddress === null || (peer.type === 'address' && peer.address === '')) return;
  const wanted = peer.type === 'address' && isIPv4(peer.address) ? 4 : 6;
  const ofPeer = peer.type === 'address' ? ', as peerAddress is' : ' beside interface';
  if (isIP(sourceAddress) !== wanted) spec.fail('sourceAddress', `must be an IPv${wanted} address${ofPeer}`, sourceAddress);
}

/** Deprecated by MetalLB, where it has no effect any more either. */
function reportDisableMP({ dualStackAddressFamily }: BGPPeer, spec: FieldReader): void {
  const effect = `it has no effect: ${dualStackAddressFamily ? 'both families are offered' : 'one family is offered, as without it'}`;
  spec.report({ severity: 'warning', field: spec.path('disableMP'), rule: 'is superseded by dualStackAddressFamily', value: true, effect });
}

function isInternal({ myASN, peerASN }: BGPPeer): boolean {
  return peerASN.type === 'number' ? peerASN.asn === myASN : peerASN.type === 'internal';
}

function decodePeerAsn(spec: FieldReader): BGPPeer['peerASN'] {
  // A number that Go clients write even where there is none.
  const asn = spec.integer('peerASN', 0, MAX_ASN) ?? 0;
  const dynamic = spec.choice('dynamicASN', ['internal', 'external', '']) || null;
  if (asn !== 0 && dynamic !== null) spec.fail('dynamicASN', 'must not be set together with peerASN', dynamic);
  if (asn === 0 && dynamic === null && !spec.failed) spec.fail('peerASN', 'must be set, or dynamicASN');
  return dynamic === null ? { type: 'number', asn } : { type: dynamic };
}

function decodePeer(spec: FieldReader): BGPPeer['peer'] {
  const address = optionalText(spec, 'peerAddress', HOST_ADDRESS);
  const interfaceName = optionalText(spec, 'interface', INTERFACE);
  const given = ['peerAddress', 'interface'].filter((key) => spec.has(key) && spec.value(key) !== '');
  if (given.length === 2) spec.fail('interface', 'must not be set together with peerAddress', spec.value('interface'));
  if (given.length === 0) spec.fail('peerAddress', 'must be set, or interface');
  return interfaceName === null ? { type: 'address', address: address ?? '' } : { type: 'interface', interface: interfaceName };
}

/** No fault here states the value. */
function decodePassword(spec: FieldReader, namespace: string): Pick<BGPPeer, 'password' | 'passwordSecret'> {
  const value = spec.value('password') ?? '';
  const usable = typeof value === 'string' && Buffer.byteLength(value) <= MAX_PASSWORD_BYTES;
  if (!usable) spec.fail('password', `must be a string of at most ${MAX_PASSWORD_BYTES} bytes`);
  const password = usable && value !== '' ? value : null;
  const secret = spec.map('passwordSecret');
  if (secret !== null) reportUnknownFields(secret, ['name', 'namespace']);
  const passwordSecret = secret === null ? null : optionalText(secret, 'name', DNS_SUBDOMAIN);
  const otherNamespace = secret === null ? null : optionalText(secret, 'namespace', DNS_SUBDOMAIN);
  if (otherNamespace !== null && otherNamespace !== namespace) {
    secret?.fail('namespace', "must be the peer's own namespace, or be left out", otherNamespace);
  }
  if (password !== null && passwordSecret !== null) spec.fail('password', 'must not be set together with passwordSecret');
  return { password, passwordSecret };
}

/** Go clients write the empty text where nothing is meant. */
function optionalText(reader: FieldReader, key: string, form: TextForm): string | null {
  const optional: TextForm = { rule: form.rule, matches: (text) => text === '' || form.matches(text) };
  return reader.text(key, optional) || null;
}
