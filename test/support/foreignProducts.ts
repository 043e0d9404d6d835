import type { AdminClient, PlainObject } from '../apiserver/admin.ts';
import { until } from './until.ts';

/** One kind of another product, as its users have it installed. */
export interface ForeignKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const metallb = (kind: string, plural: string, version = 'v1beta1'): ForeignKind => ({ group: 'metallb.io', version, kind, plural, namespaced: true });
const openelb = (kind: string, plural: string): ForeignKind => ({ group: 'network.kubesphere.io', version: 'v1alpha2', kind, plural, namespaced: false });

/** Of MetalLB 0.13 and newer. */
export const METALLB_KINDS: readonly ForeignKind[] = [
  metallb('IPAddressPool', 'ipaddresspools'),
  metallb('L2Advertisement', 'l2advertisements'),
  metallb('BGPPeer', 'bgppeers', 'v1beta2'),
  metallb('BGPAdvertisement', 'bgpadvertisements'),
  metallb('BFDProfile', 'bfdprofiles'),
  metallb('Community', 'communities'),
];

/** Of OpenELB 0.5 and newer. */
export const OPENELB_KINDS: readonly ForeignKind[] = [openelb('Eip', 'eips'), openelb('BgpConf', 'bgpconfs'), openelb('BgpPeer', 'bgppeers')];

/**
 * What a user of each may have. MetalLB: 192.0.2.0/28 for everybody, 203.0.113.0/24 for namespace `team` first, 198.51.100.0/24
 * on request. OpenELB: 192.0.2.0/28 by default, 203.0.113.0/24 for `team`, 198.51.100.0/24 on request.
 */
export const FOREIGN_OBJECTS: Readonly<Record<'metallb' | 'openelb', readonly PlainObject[]>> = {
  metallb: [
    ofMetallb('IPAddressPool', 'first', { addresses: ['192.0.2.1-192.0.2.15'], autoAssign: true }),
    ofMetallb('IPAddressPool', 'by-hand', { addresses: ['198.51.100.0/24'], autoAssign: false, avoidBuggyIPs: true }),
    ofMetallb('IPAddressPool', 'team', { addresses: ['203.0.113.0/24'], avoidBuggyIPs: true, serviceAllocation: { priority: 10, namespaces: ['team'] } }),
    ofMetallb('L2Advertisement', 'office', { ipAddressPools: ['first'], interfaces: ['eth0'] }),
    ofMetallb('BFDProfile', 'fast', { receiveInterval: 100 }),
    ofMetallb('Community', 'names', { communities: [{ name: 'no-export', value: '65535:65281' }] }),
    ofMetallb('BGPPeer', 'router', { myASN: 64_512, peerASN: 64_513, peerAddress: '198.18.0.1', bfdProfile: 'fast' }, 'v1beta2'),
    ofMetallb('BGPAdvertisement', 'routed', { ipAddressPools: ['by-hand', 'team'], communities: ['no-export'], peers: ['router'] }),
  ],
  openelb: [
    ofOpenelb('Eip', 'default-eip', { address: '192.0.2.1-192.0.2.15', protocol: 'layer2', interface: 'eth0' }, { 'eip.openelb.kubesphere.io/is-default-eip': 'true' }),
    ofOpenelb('Eip', 'office', { address: '198.51.100.1-198.51.100.99', protocol: 'layer2', interface: 'can_reach:192.0.2.1' }),
    ofOpenelb('Eip', 'team', { address: '203.0.113.1-203.0.113.99', namespaces: ['team'] }),
    ofOpenelb('BgpConf', 'default', { as: 64_512, listenPort: 17_900, routerId: '192.0.2.250' }),
    ofOpenelb('BgpPeer', 'router', { conf: { peerAs: 64_513, neighborAddress: '198.18.0.1' }, nodeSelector: { matchLabels: { rack: 'one' } } }),
  ],
};

/** Installs CRDs that take everything, and waits until the API server serves them. */
export async function installDefinitions(admin: AdminClient, kinds: readonly ForeignKind[]): Promise<void> {
  for (const kind of kinds) await admin.create(definitionOf(kind));
  for (const { group, version, kind } of kinds) {
    await until(`${kind} of ${group} is served`, () => admin.list({ apiVersion: `${group}/${version}`, kind }).then(() => true, () => false));
  }
}

/** Takes them out, with all their objects. */
export async function removeDefinitions(admin: AdminClient, kinds: readonly ForeignKind[]): Promise<void> {
  for (const { plural, group } of kinds) {
    await admin.delete({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: `${plural}.${group}` });
  }
}

function definitionOf({ group, version, kind, plural, namespaced }: ForeignKind): PlainObject {
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: anything }, subresources: { status: {} } }],
    },
  };
}

function ofMetallb(kind: string, name: string, spec: object, version = 'v1beta1'): PlainObject {
  return { apiVersion: `metallb.io/${version}`, kind, metadata: { name, namespace: 'metallb-system' }, spec };
}

function ofOpenelb(kind: string, name: string, spec: object, annotations: object = {}): PlainObject {
  return { apiVersion: 'network.kubesphere.io/v1alpha2', kind, metadata: { name, annotations }, spec };
}
