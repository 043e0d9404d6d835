import type { TestContext } from 'node:test';
import { startCluster, type Cluster } from '../../netns/cluster.ts';
import { addDefaultRoute, configure, prepare, setSysctls } from '../../netns/labHost.ts';
import type { Addresses } from '../../netns/labAddresses.ts';
import type { LabManifest } from '../../netns/labObjects.ts';
import type { Lab } from '../../netns/lab.ts';
import { addNamespace, removeNamespace, type Namespace } from '../../netns/namespace.ts';
import { until } from '../../support/until.ts';
import { BGP_POOL, bfdProfile, bgpAdvertisement, bgpPeer, bgpPool, bgpPrefix } from './bgpObjects.ts';
import type { RouterKind, RouterPeer } from './router.ts';
import { addRouterHost, type RouterHost } from './routerHost.ts';
import { startRouter } from './startRouter.ts';

/** Routers that put what they hear into the kernel, all paths that are equal. */
export const MULTIPATH_KINDS = ['bird', 'frr'] as const satisfies readonly RouterKind[];
export type MultipathKind = (typeof MULTIPATH_KINDS)[number];

/** A router with a client behind it. */
export interface MultipathRouter {
  readonly kind: MultipathKind;
  readonly peer: RouterPeer;
  readonly client: Namespace;
  /** Addresses of nodes over which the kernel sends a VIP, IPv4. */
  nextHops(vip: number): Promise<readonly string[]>;
  /** The same with the weight that the kernel gives each. */
  weights(vip: number): Promise<ReadonlyMap<string, number>>;
  /** Resolves once those are the addresses of exactly these nodes. */
  sends(vip: number, nodes: readonly number[]): Promise<void>;
}

/** Of all BGPPeers. */
export interface EcmpOptions {
  readonly bfd?: boolean;
  readonly gracefulRestart?: boolean;
  /** Routes say how many endpoints are behind them. */
  readonly linkBandwidth?: boolean;
}

/** A Gatehouse on each node, and BIRD and FRR as their routers. */
export interface Ecmp {
  readonly cluster: Cluster;
  readonly routers: readonly MultipathRouter[];
  readonly settings: (options: EcmpOptions) => readonly LabManifest[];
}

export const OWN_ASN = 64_500;
const ROUTER_ASN = { bird: 64_601, frr: 64_602 } as const;
const NUMBER = { bird: 1, frr: 2 } as const;
export const HOLD_TIME_S = 3;

function clientAddress(kind: MultipathKind, host: number): Addresses {
  return { ipv4: `10.82.${NUMBER[kind]}.${host}`, ipv6: `fd77:3:${NUMBER[kind]}::${host}` };
}

/** Starts all of it; both routers take the same routes from all nodes. */
export async function startEcmp(t: TestContext, services: (lab: Lab) => readonly LabManifest[]): Promise<Ecmp> {
  const cluster = await startCluster(t, { lab: { nodes: 3, pods: 3 }, objects: (lab) => ({ others: [...settings({}), ...services(lab)] }) });
  const routers = await Promise.all(MULTIPATH_KINDS.map((kind) => addRouter(t, cluster.lab, kind)));
  return { cluster, routers, settings };
}

function settings({ bfd = false, gracefulRestart = false, linkBandwidth = false }: EcmpOptions): readonly LabManifest[] {
  return [
    bgpPool(), bfdProfile('lab'), bgpAdvertisement('all', { ipAddressPools: [BGP_POOL], ...(linkBandwidth ? { linkBandwidth: 'endpoints' } : {}) }),
    ...MULTIPATH_KINDS.map((kind) => bgpPeer(kind, {
      myASN: OWN_ASN, peerASN: ROUTER_ASN[kind], peerAddress: `10.77.0.${30 + NUMBER[kind]}`, holdTime: `${HOLD_TIME_S}s`, keepaliveTime: '1s', connectTime: '1s',
      enableGracefulRestart: gracefulRestart, dualStackAddressFamily: true, ...(bfd ? { bfdProfile: 'lab' } : {}),
    })),
  ];
}

async function addRouter(t: TestContext, lab: Lab, kind: MultipathKind): Promise<MultipathRouter> {
  const host = await addRouterHost(t, lab, NUMBER[kind]);
  const client = await addClient(t, lab, kind, host);
  const peer = await startRouter(t, kind, host, {
    asn: ROUTER_ASN[kind], routerId: host.namespace.addresses.ipv4, multipath: true,
    neighbors: lab.nodes.map(({ number, addresses }) => ({
      name: `node${number}`, remote: addresses.ipv4, local: host.namespace.addresses.ipv4, remoteAsn: OWN_ASN, families: ['ipv4', 'ipv6'], gracefulRestart: true,
      // Of no consequence while the other side does not speak it.
      bfd: true, holdTimeS: HOLD_TIME_S,
    })),
  });
  const weights = async (vip: number): Promise<ReadonlyMap<string, number>> => {
    const text = await host.namespace.exec('ip', ['-4', 'route', 'show', bgpPrefix(vip).ipv4]);
    return new Map([...text.matchAll(/via (\S+) dev \S+ (?:weight (\d+))?/g)].map(([, address = '', weight = '1']) => [address, Number(weight)]));
  };
  const nextHops = async (vip: number): Promise<readonly string[]> => [...(await weights(vip)).keys()].toSorted();
  return {
    kind, peer, client, nextHops, weights,
    sends: async (vip, nodes) => {
      const wanted = nodes.map((number) => lab.node(number).addresses.ipv4).toSorted().join(' ');
      let last = '';
      await until(`${kind} sends ${vip} to nodes ${nodes.join(' ')}`, async () => {
        last = (await nextHops(vip)).join(' ');
        return last === wanted;
      }).catch((error: unknown) => {
        throw new Error(`${kind} sends VIP ${vip} to ${last || 'nobody'}`, { cause: error });
      });
    },
  };
}

/** Behind the router, which chooses among paths by ports too; nodes answer over the router that the client is behind. */
async function addClient(t: TestContext, lab: Lab, kind: MultipathKind, { namespace }: RouterHost): Promise<Namespace> {
  const client = await addNamespace(namespace.name.replace(/router\d+$/, `client${NUMBER[kind]}`));
  t.after(() => removeNamespace(client));
  await prepare(client);
  await setSysctls(namespace, {
    'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1, 'net.ipv4.fib_multipath_hash_policy': 1, 'net.ipv6.fib_multipath_hash_policy': 1,
    'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.eth0.rp_filter': 0,
  });
  await namespace.exec('ip', ['link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client.name]);
  await configure(namespace, 'eth1', clientAddress(kind, 1));
  await configure(client, 'eth0', clientAddress(kind, 2));
  await addDefaultRoute(client, clientAddress(kind, 1));
  for (const node of lab.nodes) {
    await node.exec('ip', ['-4', 'route', 'add', `10.82.${NUMBER[kind]}.0/24`, 'via', namespace.addresses.ipv4]);
    await node.exec('ip', ['-6', 'route', 'add', `fd77:3:${NUMBER[kind]}::/64`, 'via', namespace.addresses.ipv6]);
  }
  return client;
}
