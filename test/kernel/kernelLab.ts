import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { KernelReport } from '../../controller/announcer/report.ts';
import type { ForwardedPort } from '../../controller/announcer/wanted.ts';
import { addNamespace, endProcess, removeNamespace, type Namespace } from '../netns/namespace.ts';
import type { Ask, AskOutcome, Serve } from './peerCalls.ts';

/**
 * A client, a node, and endpoints behind it, each in a network namespace of its own, joined by veth pairs. The client's default
 * route leads to the node, so VIPs need no ARP here.
 */
export interface KernelLab {
  readonly client: Peer;
  readonly node: Peer;
  /** `e1`, `e2`, ...: each serves TCP and UDP on `ENDPOINT_PORT`, of both families. */
  readonly endpoints: readonly Peer[];
  /** Starts kernel forwarding on the node. */
  forwarder(): Promise<Forwarder>;
}

/** A host that asks and answers. */
export interface Peer {
  readonly namespace: Namespace;
  readonly addresses: { readonly IPv4: string; readonly IPv6: string };
  serve(wanted: Omit<Serve, 'transparent'> & { readonly transparent?: boolean }): Promise<void>;
  ask(address: string, port: number, more?: Partial<Ask>): Promise<AskOutcome[]>;
}

export interface Forwarder {
  apply(...ports: readonly ForwardedPort[]): Promise<KernelReport>;
  stop(forGood: boolean): Promise<void>;
  /** What it has told without being asked. */
  reports(): Promise<readonly KernelReport[]>;
  /** Ends its process, as kill -9 does. */
  kill(): Promise<void>;
}

export const ENDPOINT_PORT = 8080;
const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning'];
let labs = 0;

/** Makes a lab that stands until the test ends. */
export async function startKernelLab(t: TestContext, endpointCount = 3): Promise<KernelLab> {
  labs += 1;
  const prefix = `gk${process.pid}-${labs}-`;
  const made: Namespace[] = [];
  t.after(async () => { for (const namespace of made.toReversed()) await removeNamespace(namespace); });
  const add = async (name: string): Promise<Namespace> => {
    const namespace = await addNamespace(prefix + name);
    made.push(namespace);
    await namespace.exec('ip', ['link', 'set', 'lo', 'up']);
    // Until its link-local address is probed, a host asks for no neighbour in the name of a VIP.
    await namespace.exec('sysctl', ['-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0']);
    // Redirects, which routers send to who goes by a detour, count against the limit of ICMP errors to the same host.
    await namespace.exec('sysctl', ['-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv6.icmp.ratelimit=0']);
    return namespace;
  };
  const node = await add('node');
  const client = await add('client');
  await joinByVeth(node, client, { nodeLink: 'uplink', link: 'eth0', number: 0 });
  await client.exec('ip', ['address', 'add', '10.77.0.3/24', 'dev', 'eth0']);
  await client.exec('ip', ['address', 'add', 'fd77::3/64', 'dev', 'eth0', 'nodad']);
  // VIPs need no place, but the node a route that leads towards them.
  await node.exec('ip', ['route', 'add', 'default', 'via', '10.77.0.2']);
  await node.exec('ip', ['-6', 'route', 'add', 'default', 'via', 'fd77::2']);
  const endpoints: Peer[] = [];
  for (let number = 1; number <= endpointCount; number += 1) {
    const namespace = await add(`e${number}`);
    await joinByVeth(node, namespace, { nodeLink: `veth${number}`, link: 'eth0', number });
    const peer = startPeer(namespace, { IPv4: `10.77.${number}.2`, IPv6: `fd77:${number}::2` });
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const address of ['0.0.0.0', '::']) {
        if (protocol === 'udp' || address === '::') await peer.serve({ name: `e${number}`, protocol, address: protocol === 'udp' ? peer.addresses[address === '::' ? 'IPv6' : 'IPv4'] : address, port: ENDPOINT_PORT });
      }
    }
    endpoints.push(peer);
  }
  return {
    client: startPeer(client, { IPv4: '10.77.0.2', IPv6: 'fd77::2' }),
    node: startPeer(node, { IPv4: '10.77.0.1', IPv6: 'fd77::1' }),
    endpoints,
    forwarder: () => startForwarder(node),
  };
}

/** A veth pair: .1 is the node, .2 the other, whose default route leads there. */
async function joinByVeth(node: Namespace, other: Namespace, { nodeLink, link, number }: { nodeLink: string; link: string; number: number }): Promise<void> {
  const net6 = number === 0 ? 'fd77::' : `fd77:${number}::`;
  await node.exec('ip', ['link', 'add', nodeLink, 'type', 'veth', 'peer', 'name', link, 'netns', other.name]);
  for (const [namespace, name, host] of [[node, nodeLink, 1], [other, link, 2]] as const) {
    await namespace.exec('ip', ['address', 'add', `10.77.${number}.${host}/24`, 'dev', name]);
    await namespace.exec('ip', ['address', 'add', `${net6}${host}/64`, 'dev', name, 'nodad']);
    await namespace.exec('ip', ['link', 'set', name, 'up']);
  }
  await other.exec('ip', ['route', 'add', 'default', 'via', `10.77.${number}.1`]);
  await other.exec('ip', ['-6', 'route', 'add', 'default', 'via', `${net6}1`]);
}

function startPeer(namespace: Namespace, addresses: Peer['addresses']): Peer {
  const { call } = startCalls(namespace, 'peer.ts', []);
  return {
    namespace,
    addresses,
    serve: async (wanted) => { await call('serve', { transparent: false, ...wanted }); },
    ask: async (address, port, more = {}) =>
      await call('ask', { protocol: 'tcp', address, port, count: 1, from: null, fromPort: null, keep: null, ...more }) as AskOutcome[],
  };
}

async function startForwarder(namespace: Namespace): Promise<Forwarder> {
  const { call, child } = startCalls(namespace, 'forwarder.ts', []);
  await call('reports', null);
  return {
    apply: async (...ports) => await call('apply', ports) as KernelReport,
    stop: async (forGood) => { await call('stop', forGood); },
    reports: async () => await call('reports', null) as readonly KernelReport[],
    kill: () => endProcess(child, 'SIGKILL'),
  };
}

/** Starts one of the fixtures in a namespace, and speaks with it by lines of JSON. */
function startCalls(namespace: Namespace, fixture: string, args: readonly string[]): { readonly call: (name: string, input: unknown) => Promise<unknown>; readonly child: ChildProcess } {
  const child = namespace.spawn(process.execPath, [...NODE_OPTIONS, join(import.meta.dirname, 'fixture', fixture), ...args]);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-2_000); });
  child.stdin?.on('error', () => {});
  if (child.stdout === null) throw new Error('a fixture has no output');
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, output, error } = JSON.parse(line) as { id: number; output?: unknown; error?: string };
    if (error === undefined) waiting.get(id)?.resolve(output);
    else waiting.get(id)?.reject(new Error(error));
    waiting.delete(id);
  });
  child.on('exit', () => { for (const { reject } of waiting.values()) reject(new Error(`${fixture} in ${namespace.name} has ended: ${said}`)); });
  return {
    child,
    call: (name, input) => {
      count += 1;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(count, answer);
      child.stdin?.write(`${JSON.stringify({ id: count, name, input })}\n`);
      return answer.promise;
    },
  };
}
