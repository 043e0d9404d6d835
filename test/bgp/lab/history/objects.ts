import type { V1EndpointSlice, V1Secret, V1Service } from '@kubernetes/client-node';
import type { ClusterObjects } from '../../../netns/cluster.ts';
import type { Lab } from '../../../netns/lab.ts';
import { podAddresses, type Addresses } from '../../../netns/labAddresses.ts';
import type { LabManifest } from '../../../netns/labObjects.ts';
import { pool } from '../../../support/loadBalancer.ts';
import { ingress, opaqueSecret, service } from '../../../support/manifests.ts';
import { bgpAdvertisement, bgpPeer, community, type BgpPeerSpec } from '../bgpObjects.ts';
import {
  ALIASES, OWN_ASN, PLANS, SERVICES, SESSIONS, VIPS, type AdvertisementState, type Noise, type PoolName, type ServiceName, type ServiceState,
  type SessionName, type World, type Zone,
} from './world.ts';

/** Of sessions with one. */
export const PASSWORD = 'lab-secret';
/** Seconds that go by on a busy machine without a flap. */
const BFD = {
  fast: { receiveInterval: 50, transmitInterval: 50, detectMultiplier: 40 },
  slow: { receiveInterval: 60, transmitInterval: 60, detectMultiplier: 40 },
} as const;
const PEER_ADDRESS: Readonly<Record<SessionName, string>> = {
  'bird-outer': '10.77.0.31', 'bird-inner': 'fd77::31', 'frr-outer': '10.77.0.32', 'frr-inner': 'fd77::32',
};
const PORT = { name: 'web', port: 80 } as const;
const WRONG_ASN = 64_999;
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** The objects of a world. */
export function objectsOf(lab: Lab, world: World): Pick<ClusterObjects, 'labels' | 'others'> {
  const note = world.noise.nodeLabel ?? 0;
  return {
    labels: { 1: { zone: world.zone, ...(world.excluded ? { [EXCLUDED]: '' } : {}), ...(note === 0 ? {} : { note: `n${note}` }) } },
    others: [
      ...SESSIONS.flatMap((name) => peerObjects(world, name)),
      ...Object.entries(world.advertisements).map(([name, state]) => advertisementObject(name, state)),
      ...communities(world),
      ...(Object.keys(world.pools) as PoolName[]).flatMap((name) => (world.pools[name] === null ? [] : [pool(name, world.pools[name])])),
      ...SERVICES.flatMap((name) => loadBalancerObjects(lab, world, name)),
      ...Object.entries(BFD).map(([name, spec]) => gatehouse('BFDProfile', name, spec)),
      ...Object.entries(NOISE_OBJECTS).flatMap(([name, make]) => make(world.noise[name as Noise] ?? 0)),
    ],
  };
}

const gatehouse = (kind: string, name: string, spec: unknown): LabManifest =>
  ({ apiVersion: 'gatehouse.dev/v1', kind, metadata: { name }, spec }) as unknown as LabManifest;

function zoneSelectors(zone: Zone | null) {
  return zone === null ? {} : { nodeSelectors: [{ matchLabels: { zone } }] };
}

function peerObjects({ peers }: World, name: SessionName): LabManifest[] {
  const peer = peers[name];
  const { ownAsn, peerAsn, internal, hasPassword, families } = PLANS[name];
  if (!peer.exists) return [];
  const spec: BgpPeerSpec = {
    myASN: OWN_ASN, peerAddress: PEER_ADDRESS[name],
    holdTime: `${peer.holdTimeS}s`, keepaliveTime: `${peer.holdTimeS / 3}s`,
    connectTime: `${peer.connectTimeS}s`, connectMode: peer.connectMode,
    enableGracefulRestart: peer.gracefulRestart, addPathSend: peer.addPathSend, dualStackAddressFamily: families.length === 2,
    ...(ownAsn === OWN_ASN ? {} : { localASN: ownAsn }),
    ...(peer.peerAsn === 'dynamic' ? { dynamicASN: internal ? 'internal' : 'external' } : {}),
    ...(peer.peerAsn === 'dynamic' ? {} : { peerASN: peer.peerAsn === 'number' ? peerAsn : WRONG_ASN }),
    ...zoneSelectors(peer.zone),
    ...(peer.role === null ? {} : { role: peer.role }),
    ...(peer.bfdProfile === null ? {} : { bfdProfile: peer.bfdProfile }),
    ...(peer.shutdown ? { shutdown: { message: 'maintenance' } } : {}),
    ...(hasPassword ? passwordOf(name, peer.password) : {}),
  };
  const isSecret = hasPassword && peer.password === 'secret';
  return [bgpPeer(name, spec), ...(isSecret ? [secretOf(name)] : [])];
}

function secretOf(name: string): V1Secret {
  const password = Buffer.from(PASSWORD).toString('base64');
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/basic-auth', metadata: { name, namespace: 'default' }, data: { password } };
}

function passwordOf(name: string, password: 'object' | 'secret' | 'wrong'): Pick<BgpPeerSpec, 'password' | 'passwordSecret'> {
  return password === 'secret' ? { passwordSecret: { name } } : { password: password === 'object' ? PASSWORD : 'another' };
}

function advertisementObject(name: string, state: AdvertisementState): LabManifest {
  const { pools, peers, zone, tier, localPref, med, asPathPrepend, linkBandwidth, aggregationLength, aggregationLengthV6 } = state;
  return bgpAdvertisement(name, {
    ...(pools.length === 0 ? {} : { ipAddressPools: pools }), ...(peers.length === 0 ? {} : { peers }), ...zoneSelectors(zone),
    ...(tier === null ? {} : { serviceSelectors: [{ matchLabels: { tier } }] }),
    communities: state.communities, asPathPrepend, aggregationLength, aggregationLengthV6,
    ...(localPref === null ? {} : { localPref }), ...(med === null ? {} : { med }), ...(linkBandwidth ? { linkBandwidth: 'endpoints' } : {}),
  });
}

function communities({ aliases, aliasesTogether }: World): LabManifest[] {
  const all = ALIASES.map((name) => ({ name, value: aliases[name] }));
  return aliasesTogether ? [community('names', all)] : all.map((each) => community(`name-of-${each.name}`, [each]));
}

function loadBalancerObjects(lab: Lab, { services, noise }: World, name: ServiceName): LabManifest[] {
  const state = services[name];
  if (state === undefined) return [];
  const addresses: readonly string[] = VIPS[name].addresses;
  const families = addresses.length === 2 ? (['IPv4', 'IPv6'] as const) : (['IPv4'] as const);
  const note = noise.serviceAnnotation === undefined ? {} : { note: `n${noise.serviceAnnotation}` };
  const object: V1Service = {
    apiVersion: 'v1', kind: 'Service',
    metadata: {
      name, namespace: 'default', labels: { tier: state.tier }, annotations: { 'gatehouse.dev/load-balancer-ips': addresses.join(), ...note },
    },
    spec: {
      type: 'LoadBalancer', ipFamilyPolicy: families.length === 2 ? 'RequireDualStack' : 'SingleStack', ipFamilies: [...families],
      externalTrafficPolicy: state.local ? 'Local' : 'Cluster',
      ports: [{ name: PORT.name, port: PORT.port, protocol: 'TCP', targetPort: PORT.port }],
    },
  };
  return [object, ...families.map((family) => endpointsOf(lab, family, { name, state }))];
}

function endpointsOf(lab: Lab, family: 'IPv4' | 'IPv6', { name, state }: { name: string; state: ServiceState }): V1EndpointSlice {
  const on = (nodeName: string, all: readonly Addresses[]) =>
    all.map(({ ipv4, ipv6 }) => ({ nodeName, addresses: [family === 'IPv4' ? ipv4 : ipv6], conditions: { ready: !state.unready } }));
  const { nodeName, podAddresses: own } = lab.node(1);
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: family,
    ports: [{ name: PORT.name, port: PORT.port, protocol: 'TCP' }],
    metadata: { name: `${name}-${family.toLowerCase()}`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    endpoints: [...on(nodeName, own.slice(0, state.here)), ...on('node-2', podAddresses(2, state.elsewhere))],
  };
}

const when = (count: number, ...objects: readonly LabManifest[]): readonly LabManifest[] => (count % 3 === 0 ? [] : objects);

const ELSEWHERE = { nodeSelectors: [{ matchLabels: { zone: 'elsewhere' } }] } as const;

/** Each comes, is changed, and goes. */
const NOISE_OBJECTS: Readonly<Record<Exclude<Noise, 'nodeLabel' | 'serviceAnnotation'>, (count: number) => readonly LabManifest[]>> = {
  configMap: (count) =>
    when(count, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'noise', namespace: 'default' }, data: { count: `${count}` } }),
  ingress: (count) => when(count, ingress('noise', `noise-${count}.test`, [{ path: '/', service: 'other' }])),
  otherService: (count) => when(count, ...service('other', [{ address: '10.79.1.2', port: 8_000 + count }])),
  sparePool: (count) => when(count, pool('spare', [`10.85.${count}.0/24`])),
  spareAlias: (count) => when(count, community('spare', [{ name: 'spare', value: `64500:${count}` }])),
  otherPeer: (count) =>
    when(count, bgpPeer('other', { myASN: OWN_ASN, peerASN: OWN_ASN + count, peerAddress: '10.77.0.99', ...ELSEWHERE })),
  otherAdvertisement: (count) =>
    when(count, bgpAdvertisement('other', { ipAddressPools: ['spare'], communities: [`64500:${count}`], ...ELSEWHERE })),
  spareProfile: (count) => when(count, gatehouse('BFDProfile', 'spare', { detectMultiplier: 2 + count })),
  secret: (count) => when(count, opaqueSecret('noise', { password: `${count}` })),
};
