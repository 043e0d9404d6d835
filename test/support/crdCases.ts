/** `spec` of an object. */
type Spec = Readonly<Record<string, unknown>>;

const SELECTOR = { matchLabels: { tier: 'front' }, matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: ['a', 'b'] }] };
const PEER = { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' };

/** An object of gatehouse.dev/v1. */
export function crdCase(kind: string, spec: Spec | undefined): object {
  const metadata = { name: 'a', namespace: 'edge' };
  return { apiVersion: 'gatehouse.dev/v1', kind, metadata, ...(spec === undefined ? {} : { spec }) };
}

/** One spec of each kind that uses every field, except those that exclude each other. */
export const SPECS: Readonly<Record<string, Spec>> = {
  IPAddressPool: {
    addresses: ['192.0.2.0/24', '2001:db8::1-2001:db8::9'],
    autoAssign: false,
    avoidBuggyIPs: true,
    drain: true,
    isDefault: true,
    reserved: [{ address: '192.0.2.7', service: 'shop/web' }],
    serviceAllocation: { priority: 5, namespaces: ['shop'], namespaceSelectors: [SELECTOR], serviceSelectors: [SELECTOR] },
  },
  L2Advertisement: {
    ipAddressPools: ['public'],
    ipAddressPoolSelectors: [SELECTOR],
    nodeSelectors: [SELECTOR],
    interfaces: ['eth0', 'can_reach:2001:db8::1'],
    serviceSelectors: [SELECTOR],
    preferredNodeSelectors: [{ weight: 100, preference: SELECTOR }],
    sharing: 'owner',
    sticky: true,
    ownership: 'lease',
  },
  BGPPeer: {
    ...PEER,
    localASN: 4_294_967_295,
    peerPort: 1790,
    sourceAddress: '192.0.2.2',
    holdTime: '1m30s',
    keepaliveTime: '30s',
    connectTime: '5s',
    routerID: '192.0.2.3',
    nodeSelectors: [SELECTOR],
    passwordSecret: { name: 'tor', namespace: 'edge' },
    bfdProfile: 'fast',
    enableGracefulRestart: true,
    ebgpMultiHop: true,
    vrf: 'red',
    disableMP: true,
    dualStackAddressFamily: true,
  },
  BGPAdvertisement: {
    aggregationLength: 32,
    aggregationLengthV6: 128,
    localPref: 100,
    communities: ['65535:65281', 'large:4294967295:1:2', 'no-export'],
    ipAddressPools: ['public'],
    ipAddressPoolSelectors: [SELECTOR],
    nodeSelectors: [SELECTOR],
    peers: ['tor'],
    serviceSelectors: [SELECTOR],
  },
  BFDProfile: {
    receiveInterval: 100,
    transmitInterval: 100,
    detectMultiplier: 5,
    echoInterval: 20,
    echoMode: true,
    passiveMode: true,
    minimumTtl: 250,
  },
  Community: { communities: [{ name: 'no-export', value: '65535:65281' }, { name: 'ours', value: 'large:64512:1:2' }] },
};

function all(specs: Readonly<Record<string, readonly (Spec | undefined)[]>>): Readonly<Record<string, readonly (Spec | undefined)[]>> {
  return Object.fromEntries(Object.entries(specs).map(([kind, more]) => [kind, [SPECS[kind], ...more]]));
}

/** Specs that schema and decoder must take; undefined: none at all. */
export const VALID = all({
  IPAddressPool: [
    { addresses: ['192.0.2.7/32'] },
    { addresses: ['192.0.2.1 - 192.0.2.9', '10.0.0.5/8', '::/64', '2001:DB8::/120'] },
    { addresses: ['10.0.0.0/24'], serviceAllocation: {} },
    { addresses: ['10.0.0.0/24'], serviceAllocation: { priority: -1, serviceSelectors: [{}] } },
    { addresses: ['10.0.0.0/24'], reserved: [{ address: '10.0.0.1', service: 'a/b' }, { address: '10.0.0.2', service: 'a/b' }] },
  ],
  L2Advertisement: [
    undefined,
    {},
    { interfaces: ['eth0.100', 'br-lan@x'], nodeSelectors: [{ matchLabels: { a: '' } }] },
    { sharing: 'perClient', ownership: 'hash' },
    { ownership: 'lease' },
  ],
  BGPPeer: [
    PEER,
    { myASN: 1, dynamicASN: 'internal', interface: 'eth0' },
    { myASN: 1, dynamicASN: 'external', peerAddress: '2001:db8::1', ebgpMultiHop: true, password: 'p'.repeat(80) },
    { ...PEER, holdTime: '0s', keepaliveTime: '0s' },
    { ...PEER, holdTime: '18h12m15s', keepaliveTime: '1h' },
    { ...PEER, keepaliveTime: '1500ms' },
    { ...PEER, peerASN: 64512, ebgpMultiHop: false, holdTime: '3s' },
    { ...PEER, sourceAddress: '', routerID: '', bfdProfile: '', vrf: '', password: '', passwordSecret: {}, interface: '' },
    { ...PEER, peerASN: 0, dynamicASN: 'external' },
  ],
  BGPAdvertisement: [
    undefined,
    {},
    { aggregationLength: 24, aggregationLengthV6: 64, localPref: 4_294_967_295, communities: ['0:0'] },
    { serviceSelectors: [], aggregationLength: 1 },
  ],
  BFDProfile: [undefined, {}, { receiveInterval: 10, transmitInterval: 60_000, detectMultiplier: 255, minimumTtl: 1 }],
  Community: [undefined, {}, { communities: [] }],
});

function selectors(...faulty: readonly unknown[]): readonly Spec[] {
  return faulty.map((selector) => ({ nodeSelectors: [selector] }));
}

/** Specs that schema and decoder must both refuse. */
export const INVALID: Readonly<Record<string, readonly (Spec | undefined)[]>> = {
  IPAddressPool: [
    undefined,
    {},
    { addresses: [] },
    { addresses: ['192.0.2.7'] },
    { addresses: ['192.0.2.0/33'] },
    { addresses: ['192.0.2.0/'] },
    { addresses: ['192.0.2.1-192.0.2.300'] },
    { addresses: ['192.0.2.1-2-3'] },
    { addresses: ['::ffff:192.0.2.1/120'] },
    { addresses: ['fe80::1%eth0/64'] },
    { addresses: [5] },
    { addresses: '10.0.0.0/24' },
    { addresses: Array(1001).fill('10.0.0.0/24') },
    { addresses: ['10.0.0.0/24'], autoAssign: 'true' },
    { addresses: ['10.0.0.0/24'], serviceAllocation: { priority: 1.5 } },
    { addresses: ['10.0.0.0/24'], serviceAllocation: { priority: 2_147_483_648 } },
    { addresses: ['10.0.0.0/24'], serviceAllocation: { namespaces: ['a', 'a'] } },
    { addresses: ['10.0.0.0/24'], serviceAllocation: { namespaces: ['a.b'] } },
    { addresses: ['10.0.0.0/24'], reserved: [{ address: '10.0.0.1' }] },
    { addresses: ['10.0.0.0/24'], reserved: [{ address: '10.0.0.1', service: 'web' }] },
    { addresses: ['10.0.0.0/24'], reserved: [{ address: '10.0.0.1', service: 'a/b' }, { address: '10.0.0.1', service: 'c/d' }] },
  ],
  L2Advertisement: [
    { ipAddressPools: ['a', 'a'] },
    { ipAddressPools: [''] },
    { sharing: 'perClient', ownership: 'lease' },
    { ownership: 'vote' },
    { interfaces: ['eth 0'] },
    { interfaces: ['sixteen-letters1'] },
    { interfaces: ['can_reach:here'] },
    { interfaces: ['can_reach:'] },
    { preferredNodeSelectors: [{ weight: 0, preference: {} }] },
    { preferredNodeSelectors: [{ weight: 101, preference: {} }] },
    { preferredNodeSelectors: [{ preference: {} }] },
    { preferredNodeSelectors: [{ weight: 1 }] },
    ...selectors(
      5,
      { matchLabels: { a: 'b c' } },
      { matchLabels: [] },
      { matchExpressions: [{ key: 'a' }] },
      { matchExpressions: [{ operator: 'Exists' }] },
      { matchExpressions: [{ key: 'a b', operator: 'Exists' }] },
      { matchExpressions: [{ key: 'a', operator: 'In' }] },
      { matchExpressions: [{ key: 'a', operator: 'NotIn', values: [] }] },
      { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] },
      { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] },
    ),
  ],
  BGPPeer: [
    undefined,
    { peerASN: 1, peerAddress: '192.0.2.1' },
    { myASN: 0, peerASN: 1, peerAddress: '192.0.2.1' },
    { myASN: 1, peerAddress: '192.0.2.1' },
    { myASN: 1, peerASN: 0, peerAddress: '192.0.2.1' },
    { myASN: 1, peerASN: 4_294_967_296, peerAddress: '192.0.2.1' },
    { myASN: 1, peerASN: 2 },
    { ...PEER, dynamicASN: 'external' },
    { myASN: 1, dynamicASN: 'any', peerAddress: '192.0.2.1' },
    { ...PEER, interface: 'eth0' },
    { ...PEER, peerAddress: 'tor.example' },
    { ...PEER, peerPort: 0 },
    { ...PEER, peerPort: 65_536 },
    { ...PEER, localASN: 0 },
    { ...PEER, holdTime: '2s' },
    { ...PEER, holdTime: '2999ms' },
    { ...PEER, holdTime: '65536s' },
    { ...PEER, holdTime: '90' },
    { ...PEER, holdTime: '-90s' },
    { ...PEER, holdTime: 90 },
    { ...PEER, holdTime: '30s', keepaliveTime: '31s' },
    { ...PEER, keepaliveTime: '999ms' },
    { ...PEER, keepaliveTime: '21846s' },
    { ...PEER, connectTime: '0s' },
    { ...PEER, connectTime: '1500ms' },
    { ...PEER, connectTime: '65536s' },
    { ...PEER, routerID: '2001:db8::1' },
    { ...PEER, sourceAddress: 'here' },
    { ...PEER, password: 'a', passwordSecret: { name: 'b' } },
    { ...PEER, password: 'p'.repeat(81) },
    { ...PEER, passwordSecret: { name: 'A B' } },
    { ...PEER, peerASN: 64_512, ebgpMultiHop: true },
    { myASN: 1, dynamicASN: 'internal', peerAddress: '192.0.2.1', ebgpMultiHop: true },
    { ...PEER, vrf: 'a/b' },
    { ...PEER, bfdProfile: 'Fast' },
  ],
  BGPAdvertisement: [
    { aggregationLength: 0 },
    { aggregationLength: 33 },
    { aggregationLengthV6: 129 },
    { localPref: -1 },
    { localPref: 4_294_967_296 },
    { communities: ['65536:1'] },
    { communities: ['1:2:3'] },
    { communities: ['large:1:2'] },
    { communities: ['large:1:2:4294967296'] },
    { communities: ['a', 'a'] },
    { communities: ['a b'] },
    { communities: ['no:export'] },
    { serviceSelectors: [{}], aggregationLength: 24 },
    { serviceSelectors: [{}], aggregationLengthV6: 64 },
    { peers: ['a', 'a'] },
  ],
  BFDProfile: [{ receiveInterval: 9 }, { transmitInterval: 60_001 }, { detectMultiplier: 1 }, { minimumTtl: 255 }, { echoMode: 1 }],
  Community: [
    { communities: [{ name: 'a' }] },
    { communities: [{ value: '1:2' }] },
    { communities: [{ name: 'a:b', value: '1:2' }] },
    { communities: [{ name: 'a', value: 'b' }] },
    { communities: [{ name: 'a', value: '1:2' }, { name: 'a', value: '1:3' }] },
  ],
};
