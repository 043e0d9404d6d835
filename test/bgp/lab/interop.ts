import type { TestContext } from 'node:test';
import { startCluster, type Cluster } from '../../netns/cluster.ts';
import type { GatehouseNode } from '../../netns/gatehouseNode.ts';
import { podAddress, podSubnet } from '../../netns/labAddresses.ts';
import { setSysctls } from '../../netns/labHost.ts';
import type { LabManifest } from '../../netns/labObjects.ts';
import type { Lab } from '../../netns/lab.ts';
import { pool } from '../../support/loadBalancer.ts';
import { BLOCK_POOL, blockPool } from './bgpBlocks.ts';
import { BGP_POOL, bfdProfile, bgpAdvertisement, bgpPeer, bgpPool, community, type BgpPeerSpec } from './bgpObjects.ts';
import { LONG_LIVED_S, ROUTER_KINDS, type Neighbor, type RouterKind, type RouterPeer } from './router.ts';
import { addRouterHost, type RouterHost } from './routerHost.ts';
import { startRouter } from './startRouter.ts';

/**
 * The sessions of the first node with each router. `plain`: eBGP over IPv4, with password, TTL security and BFD. `inner`: iBGP over IPv6,
 * with several paths. `far`: eBGP from another address over a router between, both families, with graceful restart:
 * not where BFD is, as routers drop what BFD says is unreachable. `link`: unnumbered, both families.
 */
export type SessionName = 'plain' | 'inner' | 'far' | 'link';

/** One Gatehouse that speaks to a router of each make, and a second node that carries the same VIPs. */
export interface Interop {
  readonly cluster: Cluster;
  readonly gatehouse: GatehouseNode;
  /** Objects of BGP. */
  readonly settings: readonly LabManifest[];
  readonly router: Readonly<Record<RouterKind, RouterPeer>>;
}

export const OWN_ASN = 64_500;
export const ROUTER_ASN = { bird: 4_200_000_001, frr: 4_200_000_002, gobgp: 4_200_000_003, exabgp: 4_200_000_004 } as const;
/** Half a second, as machines that do much else stop for longer than 150 ms at times. */
const BFD_MULTIPLIER = 10;
const PASSWORD = 'lab-secret';
const NUMBER = { bird: 1, frr: 2, gobgp: 3, exabgp: 4 } as const;
/** Interface to FRR alone. */
const LINK = { node: 'uplink0', router: 'downlink0' } as const;
/** Name of a pool of very many VIPs. */
const MANY = 'many';
/** How long Gatehouse asks `far` to wait for it, before its routes are but a last resort. */
const SHORT_RESTART_S = 3;
const SPEAKS_ROLES = (kind: RouterKind): boolean => kind === 'bird' || kind === 'frr';
const SPEAKS_BFD = (kind: RouterKind): boolean => kind === 'bird' || kind === 'frr';
/** Behind the lab's own router, from where the node speaks to it. */
const farAddressOf = (kind: RouterKind): string => `10.81.0.${NUMBER[kind]}`;
const FAR_SOURCE = podAddress(1, 1).ipv4;

/** Name of the BGPPeer. */
export function peerName(kind: RouterKind, session: SessionName): string {
  return `${kind}-${session}`;
}

/** Of a router. */
export function sessionsOf(kind: RouterKind): readonly SessionName[] {
  return kind === 'frr' ? ['plain', 'inner', 'far', 'link'] : ['plain', 'inner', 'far'];
}

/** Sessions in which both sides ask for TTL 255: ExaBGP answers with the TTL of its system. */
export function ttlSecuritySessions(kind: RouterKind): readonly SessionName[] {
  return kind === 'exabgp' ? [] : ['plain', 'link'];
}

/** Names of all BGPPeers. */
export const ALL_PEERS = ROUTER_KINDS.flatMap((kind) => sessionsOf(kind).map((session) => peerName(kind, session)));

/** What may be otherwise. */
export interface InteropSettings {
  /** Gatehouse's own in `far`; those of the routers are customers. */
  readonly role?: 'provider' | 'customer';
}

/** Starts lab, routers and Gatehouse. `services`: objects beside those of BGP. */
export async function startInterop(t: TestContext, services: (lab: Lab) => readonly LabManifest[]): Promise<Interop> {
  let settings: readonly LabManifest[] = [];
  const cluster = await startCluster(t, {
    lab: { nodes: 2, pods: 2 },
    objects: (lab) => {
      settings = configuration(lab, {});
      return { others: [...settings, ...services(lab)] };
    },
  });
  const { lab } = cluster;
  // Routers come after Gatehouse: it must wait for them, and for the link to one of them.
  const routers = new Map(await Promise.all(ROUTER_KINDS.map(async (kind) => {
    const host = await addRouterHost(t, lab, NUMBER[kind]);
    await connect(lab, host, kind);
    const options = { asn: ROUTER_ASN[kind], routerId: host.namespace.addresses.ipv4, bfdMultiplier: BFD_MULTIPLIER, neighbors: neighborsOf(lab, host, kind) };
    return [kind, await startRouter(t, kind, host, options)] as const;
  })));
  const router = (kind: RouterKind): RouterPeer => {
    const found = routers.get(kind);
    if (found === undefined) throw new Error(`${kind} was not started`);
    return found;
  };
  return {
    cluster, gatehouse: cluster.gatehouse(1), settings,
    router: { bird: router('bird'), frr: router('frr'), gobgp: router('gobgp'), exabgp: router('exabgp') },
  };
}

/** Routes over the lab's own router, which must not tell that there is a shorter way; and FRR's own link. */
async function connect(lab: Lab, { namespace }: RouterHost, kind: RouterKind): Promise<void> {
  await setSysctls(lab.router, { 'net.ipv4.conf.all.send_redirects': 0, 'net.ipv4.conf.eth0.send_redirects': 0 });
  await namespace.exec('ip', ['address', 'add', `${farAddressOf(kind)}/32`, 'dev', 'lo']);
  await lab.router.exec('ip', ['route', 'add', farAddressOf(kind), 'via', namespace.addresses.ipv4]);
  await lab.router.exec('ip', ['route', 'replace', podSubnet(1).ipv4, 'via', lab.node(1).addresses.ipv4]);
  if (kind !== 'frr') return;
  await lab.node(1).exec('ip', ['link', 'add', LINK.node, 'type', 'veth', 'peer', 'name', LINK.router, 'netns', namespace.name]);
  await lab.node(1).exec('ip', ['link', 'set', LINK.node, 'up']);
  await namespace.exec('ip', ['link', 'set', LINK.router, 'up']);
}

function neighborsOf(lab: Lab, { namespace }: RouterHost, kind: RouterKind): readonly Neighbor[] {
  const node = lab.node(1).addresses;
  const own = namespace.addresses;
  const dual = ['ipv4', 'ipv6'] as const;
  const all: Readonly<Record<SessionName, Neighbor>> = {
    plain: {
      name: 'plain', remote: node.ipv4, local: own.ipv4, remoteAsn: OWN_ASN, families: ['ipv4'], password: PASSWORD,
      ttlSecurity: ttlSecuritySessions(kind).includes('plain'), bfd: SPEAKS_BFD(kind), passive: kind === 'bird',
    },
    inner: { name: 'inner', remote: node.ipv6, local: own.ipv6, remoteAsn: ROUTER_ASN[kind], families: ['ipv6'], addPath: true },
    far: {
      name: 'far', remote: FAR_SOURCE, local: farAddressOf(kind), remoteAsn: OWN_ASN, families: dual,
      multihop: true, gracefulRestart: true,
      longLived: true, passive: kind === 'gobgp', ...(SPEAKS_ROLES(kind) ? { role: 'customer' } : {}),
    },
    link: { name: 'link', remote: LINK.router, local: '', remoteAsn: OWN_ASN, families: dual, unnumbered: true, ttlSecurity: ttlSecuritySessions(kind).includes('link') },
  };
  return sessionsOf(kind).map((session) => all[session]);
}

/** Objects of BGP for all sessions; only the first node speaks to routers, both carry VIPs. */
export function configuration(lab: Lab, { role = 'provider' }: InteropSettings): LabManifest[] {
  const peers = ROUTER_KINDS.flatMap((kind) => sessionsOf(kind).map((session) => bgpPeer(peerName(kind, session), peerSpec(lab, kind, { session, role }))));
  const named = (...sessions: readonly SessionName[]) =>
    ROUTER_KINDS.flatMap((kind) => sessionsOf(kind).filter((each) => sessions.includes(each)).map((each) => peerName(kind, each)));
  return [
    bgpPool(), blockPool(), pool(MANY, ['10.84.0.0/16']),
    bfdProfile('lab', BFD_MULTIPLIER), ...peers,
    community('names', [{ name: 'site', value: `${OWN_ASN}:100` }]),
    bgpAdvertisement('outer', { ipAddressPools: [BGP_POOL], peers: named('plain', 'link'), communities: ['site', `${OWN_ASN}:7`, `large:${OWN_ASN}:1:2`], med: 30 }),
    bgpAdvertisement('far', { ipAddressPools: [BGP_POOL], peers: named('far'), asPathPrepend: 2, linkBandwidth: 'endpoints' }),
    bgpAdvertisement('inner', { ipAddressPools: [BGP_POOL], peers: named('inner'), localPref: 250, communities: ['site'], linkBandwidth: 'endpoints' }),
    bgpAdvertisement('blocks', { ipAddressPools: [BLOCK_POOL], peers: named('plain', 'inner'), aggregationLength: 24, aggregationLengthV6: 120 }),
    bgpAdvertisement('many', { ipAddressPools: [MANY], peers: named('plain') }),
  ];
}

function peerSpec(lab: Lab, kind: RouterKind, { session, role }: Required<InteropSettings> & { readonly session: SessionName }): BgpPeerSpec {
  const host = 30 + NUMBER[kind];
  const common = {
    myASN: OWN_ASN, holdTime: '9s', keepaliveTime: '3s', connectTime: '1s', nodeSelectors: [{ matchLabels: { 'kubernetes.io/hostname': lab.node(1).nodeName } }],
  };
  switch (session) {
    case 'plain':
      return {
        ...common, peerASN: ROUTER_ASN[kind], peerAddress: `10.77.0.${host}`, password: PASSWORD, ttlSecurity: ttlSecuritySessions(kind).includes('plain'),
        ...(SPEAKS_BFD(kind) ? { bfdProfile: 'lab' } : {}),
      };
    case 'inner':
      return { ...common, localASN: ROUTER_ASN[kind], peerASN: ROUTER_ASN[kind], peerAddress: `fd77::${host}`, addPathSend: 4 };
    case 'far':
      return {
        ...common, dynamicASN: 'external', peerAddress: farAddressOf(kind), sourceAddress: FAR_SOURCE, ebgpMultiHop: true, dualStackAddressFamily: true,
        enableGracefulRestart: true, gracefulRestartTime: `${SHORT_RESTART_S}s`, longLivedStaleTime: `${LONG_LIVED_S}s`,
        role: SPEAKS_ROLES(kind) ? role : 'provider',
        // The other side opens the connection.
        ...(kind === 'exabgp' ? { connectMode: 'passive' } : {}),
      };
    case 'link':
      return { ...common, dynamicASN: 'external', interface: LINK.node, dualStackAddressFamily: true, ttlSecurity: ttlSecuritySessions(kind).includes('link') };
  }
}
