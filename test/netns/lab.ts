import type { TestContext } from 'node:test';
import { lacks, lacksRoot, lacksWhen } from '../support/requirement.ts';
import { BRIDGE, createCables, NODE_PORT_PREFIX, type Cables } from './cables.ts';
import { CLIENT_HOST, farAddress, lanAddress, nodeHost, podAddress, podAddresses, podSubnet, ROUTER_HOST, type Addresses } from './labAddresses.ts';
import { addDefaultRoute, configure, macOf, plug, prepare, setSysctls, type LabHost } from './labHost.ts';
import { addNamespace, removeNamespace, runCommand, type Namespace } from './namespace.ts';

/** A node: a machine that may run Gatehouse, with endpoints behind it. */
export interface LabNode extends LabHost {
  /** From 1 on. */
  readonly number: number;
  /** Name of its Node object. */
  readonly nodeName: string;
  /** Its endpoints: one namespace for all of them, routed, behind the node's interface `cni0`. */
  readonly pods: Namespace;
  readonly podAddresses: readonly Addresses[];
}

/**
 * Network namespaces around one bridge: nodes with endpoints, a client, a router, and a client behind that. Both families everywhere,
 * without duplicate address detection. Nodes know the routes to all endpoints and have forwarding on, as in a cluster with a routed
 * network; the others know nothing of endpoints.
 */
export interface Lab extends Cables {
  readonly nodes: readonly LabNode[];
  /** By its number, from 1 on. */
  node(number: number): LabNode;
  readonly client: LabHost;
  readonly router: LabHost;
  /** In the subnet behind the router. */
  readonly far: LabHost;
  /** Has the bridge `switch0` with one port for each host: `node1`, ..., `client`, `router`. */
  readonly switch: Namespace;
}

export interface LabOptions {
  /** Default 3. */
  readonly nodes?: number;
  /** Addresses of endpoints per node and family; default 1. As they share a namespace, several cannot ask each other through VIPs. */
  readonly pods?: number;
  /** net.ipv4.conf.all.rp_filter of the nodes; default 2 (loose), as most distributions have it. */
  readonly rpFilter?: 0 | 1 | 2;
}

let labs = 0;

/** Why no lab can be made here: false when it can. */
export function lacksLab(...programs: readonly string[]): string | false {
  for (const program of ['ip', 'nft', 'sysctl', 'ping', 'tcpdump', 'arping', 'ndisc6', ...programs]) {
    const lack = lacks(program);
    if (lack !== false) return lack;
  }
  return lacksRoot();
}

/** The same for what is sent by scapy. Debian's own Python has it; others on the PATH may not. */
export async function lacksScapy(): Promise<string | false> {
  const { code } = await runCommand(PYTHON, ['-c', 'import scapy']).catch(() => ({ code: 1 }));
  return lacksWhen(code !== 0, 'python3-scapy is not installed');
}

/** The system's own Python. */
export const PYTHON = '/usr/bin/python3';

/** Makes a lab that stands until the test ends. */
export async function startLab(t: TestContext, options: LabOptions = {}): Promise<Lab> {
  labs += 1;
  const prefix = `gh${process.pid}-${labs}-`;
  const made: Namespace[] = [];
  const add = async (name: string): Promise<Namespace> => {
    const namespace = await addNamespace(`${prefix}${name}`);
    made.push(namespace);
    return namespace;
  };
  t.after(async () => {
    // Hosts before the switch: whoever ends in good order is still heard.
    for (const namespace of made.toReversed()) await removeNamespace(namespace);
  });
  const wires = await add('switch');
  await wires.exec('ip', ['link', 'add', BRIDGE, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0', 'mcast_snooping', '0']);
  await wires.exec('ip', ['link', 'set', BRIDGE, 'up']);
  const router = await plug(wires, await add('router'), { port: 'router', addresses: lanAddress(ROUTER_HOST), gateway: null });
  const nodes: LabNode[] = [];
  for (let number = 1; number <= (options.nodes ?? 3); number += 1) nodes.push(await addNode({ wires, add, number, options }));
  for (const node of nodes) await routeToPods(node, nodes);
  const client = await plug(wires, await add('client'), { port: 'client', addresses: lanAddress(CLIENT_HOST), gateway: lanAddress(ROUTER_HOST) });
  const far = await addFar(router, await add('far'));
  const node = (number: number): LabNode => {
    const found = nodes[number - 1];
    if (found === undefined) throw new Error(`the lab has no node ${number}`);
    return found;
  };
  return { nodes, node, client, router, far, switch: wires, ...createCables(wires) };
}

interface NodeParts {
  readonly wires: Namespace;
  readonly add: (name: string) => Promise<Namespace>;
  readonly number: number;
  readonly options: LabOptions;
}

async function addNode({ wires, add, number, options }: NodeParts): Promise<LabNode> {
  const namespace = await add(`node${number}`);
  const host = await plug(wires, namespace, { port: `${NODE_PORT_PREFIX}${number}`, addresses: lanAddress(nodeHost(number)), gateway: lanAddress(ROUTER_HOST) });
  await setSysctls(namespace, { 'net.ipv4.conf.all.rp_filter': options.rpFilter ?? 2, ...FORWARDING });
  const pods = await add(`pods${number}`);
  await prepare(pods);
  await namespace.exec('ip', ['link', 'add', 'cni0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pods.name]);
  await configure(namespace, 'cni0', podAddress(number, 1));
  const own = podAddresses(number, options.pods ?? 1);
  for (const addresses of own) await configure(pods, 'eth0', addresses);
  await addDefaultRoute(pods, podAddress(number, 1));
  return { ...host, number, nodeName: `node-${number}`, pods, podAddresses: own };
}

/** What a node with pods has on; IPv6 forwarding would forget routes by advertisement, of which there are none here. */
const FORWARDING = { 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 } as const;

async function routeToPods(node: LabNode, nodes: readonly LabNode[]): Promise<void> {
  for (const { number, addresses } of nodes) {
    if (number === node.number) continue;
    await node.exec('ip', ['-4', 'route', 'add', podSubnet(number).ipv4, 'via', addresses.ipv4]);
    await node.exec('ip', ['-6', 'route', 'add', podSubnet(number).ipv6, 'via', addresses.ipv6]);
  }
}

async function addFar(router: LabHost, namespace: Namespace): Promise<LabHost> {
  await prepare(namespace);
  await setSysctls(router, FORWARDING);
  await router.exec('ip', ['link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace.name]);
  await configure(router, 'eth1', farAddress(1));
  await configure(namespace, 'eth0', farAddress(2));
  await addDefaultRoute(namespace, farAddress(1));
  return { ...namespace, addresses: farAddress(2), mac: await macOf(namespace) };
}
