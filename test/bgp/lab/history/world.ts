import type { Family, RouterKind } from '../router.ts';

/** What the objects of a history say at one time. All that is random about them is here. */
export interface World {
  readonly peers: Readonly<Record<SessionName, PeerState>>;
  /** By name. */
  readonly advertisements: Readonly<Record<string, AdvertisementState>>;
  /** Values of the names in `ALIASES`. */
  readonly aliases: Readonly<Record<Alias, string>>;
  /** All names in one Community object, or each in its own. */
  readonly aliasesTogether: boolean;
  /** Ranges that it has; null: the pool is not there. */
  readonly pools: Readonly<Record<PoolName, readonly string[] | null>>;
  readonly services: Readonly<Partial<Record<ServiceName, ServiceState>>>;
  readonly zone: Zone;
  /** The node has the label node.kubernetes.io/exclude-from-external-load-balancers. */
  readonly excluded: boolean;
  /** How often each thing that is nobody's business was changed. */
  readonly noise: Readonly<Partial<Record<Noise, number>>>;
}

/** `outer`: eBGP over IPv4; `inner`: iBGP over IPv6. */
export type SessionName = 'bird-outer' | 'bird-inner' | 'frr-outer' | 'frr-inner';

/** What does not change of a session. */
export interface SessionPlan {
  readonly router: Extract<RouterKind, 'bird' | 'frr'>;
  /** Name of the neighbour at the router. */
  readonly neighbor: 'outer' | 'inner';
  readonly internal: boolean;
  /** Of routes that it carries. */
  readonly families: readonly Family[];
  /** What Gatehouse is there. */
  readonly ownAsn: number;
  readonly peerAsn: number;
  readonly hasPassword: boolean;
  readonly mayRestartGracefully: boolean;
}

export const OWN_ASN = 64_500;
export const ROUTER_ASN = { bird: 64_501, frr: 64_502 } as const;
export const PLANS: Readonly<Record<SessionName, SessionPlan>> = {
  'bird-outer': {
    router: 'bird', neighbor: 'outer', internal: false, families: ['ipv4'], ownAsn: OWN_ASN, peerAsn: ROUTER_ASN.bird,
    hasPassword: true, mayRestartGracefully: false,
  },
  'bird-inner': {
    router: 'bird', neighbor: 'inner', internal: true, families: ['ipv6'], ownAsn: OWN_ASN, peerAsn: OWN_ASN,
    hasPassword: false, mayRestartGracefully: false,
  },
  // Of both families over IPv4.
  'frr-outer': {
    router: 'frr', neighbor: 'outer', internal: false, families: ['ipv4', 'ipv6'], ownAsn: OWN_ASN, peerAsn: ROUTER_ASN.frr,
    hasPassword: false, mayRestartGracefully: false,
  },
  'frr-inner': {
    router: 'frr', neighbor: 'inner', internal: true, families: ['ipv6'], ownAsn: ROUTER_ASN.frr, peerAsn: ROUTER_ASN.frr,
    hasPassword: true, mayRestartGracefully: true,
  },
};
export const SESSIONS = Object.keys(PLANS) as readonly SessionName[];

/** A BGPPeer. */
export interface PeerState {
  readonly exists: boolean;
  /** nodeSelectors; null: none. */
  readonly zone: Zone | null;
  readonly holdTimeS: 9 | 12 | 18;
  readonly connectTimeS: 1 | 2;
  readonly connectMode: 'active' | 'both';
  /** Where the session has a password: in the object, in a Secret, or another one than the router's. */
  readonly password: 'object' | 'secret' | 'wrong';
  /** The peer's AS: its number, whichever it says, or another number. */
  readonly peerAsn: 'number' | 'dynamic' | 'wrong';
  /** Of eBGP. */
  readonly role: 'customer' | 'provider' | null;
  readonly gracefulRestart: boolean;
  /** Name of a BFDProfile; of eBGP. */
  readonly bfdProfile: 'fast' | 'slow' | null;
  readonly addPathSend: 0 | 2 | 3;
  readonly shutdown: boolean;
}

/** A BGPAdvertisement. */
export interface AdvertisementState {
  /** Empty: all. */
  readonly pools: readonly (PoolName | 'missing')[];
  /** Empty: all. */
  readonly peers: readonly SessionName[];
  readonly zone: Zone | null;
  /** serviceSelectors; null: none. Not with aggregates. */
  readonly tier: Tier | null;
  readonly communities: readonly CommunityText[];
  readonly localPref: number | null;
  readonly med: number | null;
  readonly asPathPrepend: number;
  readonly linkBandwidth: boolean;
  readonly aggregationLength: number;
  readonly aggregationLengthV6: number;
}

/** A Service of type LoadBalancer with ready endpoints. */
export interface ServiceState {
  readonly local: boolean;
  /** Endpoints on the node. */
  readonly here: 0 | 1 | 2;
  /** Those on another. */
  readonly elsewhere: 0 | 1;
  /** None of them is ready. */
  readonly unready: boolean;
  readonly tier: Tier;
}

/** A label of Services. */
export type Tier = 'front' | 'back';

export type Zone = 'a' | 'b';
export type PoolName = 'bgp' | 'blocks';
export const ALIASES = ['site', 'rack'] as const;
export type Alias = (typeof ALIASES)[number];
export const COMMUNITY_TEXTS = [...ALIASES, '64500:7', 'large:64500:1:2', 'no-export'] as const;
export type CommunityText = (typeof COMMUNITY_TEXTS)[number];
export const ADVERTISEMENTS = ['one', 'two', 'three', 'four'] as const;

export const RANGES: Readonly<Record<PoolName, readonly (readonly string[])[]>> = {
  bgp: [['10.80.0.0/24', 'fd77:80::/120']],
  blocks: [
    ['10.83.0.0/24', '10.83.1.10-10.83.1.200', 'fd77:83::/120'],
    ['10.83.0.0/24', '10.83.1.10-10.83.1.100', 'fd77:83::/120'],
    ['10.83.0.0/24', 'fd77:83::/120'],
  ],
};

/** Addresses that Services ask for. */
export const VIPS = {
  'web-1': { pool: 'bgp', addresses: ['10.80.0.1', 'fd77:80::1'] },
  'web-2': { pool: 'bgp', addresses: ['10.80.0.2', 'fd77:80::2'] },
  'web-130': { pool: 'bgp', addresses: ['10.80.0.130', 'fd77:80::82'] },
  'block-1': { pool: 'blocks', addresses: ['10.83.0.1', 'fd77:83::1'] },
  'block-200': { pool: 'blocks', addresses: ['10.83.0.200', 'fd77:83::c8'] },
  'edge': { pool: 'blocks', addresses: ['10.83.1.12'] },
  'middle': { pool: 'blocks', addresses: ['10.83.1.70'] },
  'end': { pool: 'blocks', addresses: ['10.83.1.140'] },
} as const satisfies Readonly<Record<string, { readonly pool: PoolName; readonly addresses: readonly string[] }>>;
export type ServiceName = keyof typeof VIPS;
export const SERVICES = Object.keys(VIPS) as readonly ServiceName[];

/** What no route and no session depends on. */
export const NOISE = [
  'configMap', 'ingress', 'otherService', 'serviceAnnotation', 'nodeLabel', 'sparePool', 'spareAlias', 'otherPeer', 'otherAdvertisement',
  'spareProfile', 'secret',
] as const;
export type Noise = (typeof NOISE)[number];

const SERVICE: ServiceState = { local: false, here: 1, elsewhere: 0, unready: false, tier: 'front' };
const PEER: PeerState = {
  exists: true, zone: null, holdTimeS: 9, connectTimeS: 1, connectMode: 'active', password: 'object', peerAsn: 'number', role: null,
  gracefulRestart: false, bfdProfile: null, addPathSend: 0, shutdown: false,
};
/** With nothing said but which addresses. */
export const ADVERTISEMENT: AdvertisementState = {
  pools: ['bgp'], peers: [], zone: null, tier: null, communities: [], localPref: null, med: null, asPathPrepend: 0, linkBandwidth: false,
  aggregationLength: 32, aggregationLengthV6: 128,
};
/** Where each history begins. */
export const FIRST_WORLD: World = {
  peers: { 'bird-outer': PEER, 'bird-inner': PEER, 'frr-outer': PEER, 'frr-inner': { ...PEER, gracefulRestart: true } },
  advertisements: {
    one: { ...ADVERTISEMENT, med: 30, communities: ['site'] },
    two: { ...ADVERTISEMENT, pools: ['blocks'], aggregationLength: 24, aggregationLengthV6: 120, localPref: 200 },
  },
  aliases: { site: '64500:100', rack: 'large:64500:7:7' },
  aliasesTogether: true,
  pools: { bgp: RANGES.bgp[0] ?? [], blocks: RANGES.blocks[0] ?? [] },
  services: {
    'web-1': { ...SERVICE, here: 2 }, 'web-2': { ...SERVICE, local: true, elsewhere: 1, tier: 'back' },
    'block-1': SERVICE, 'edge': { ...SERVICE, here: 0, elsewhere: 1 }, 'middle': { ...SERVICE, local: true, here: 0, elsewhere: 1 },
  },
  zone: 'a',
  excluded: false,
  noise: {},
};
