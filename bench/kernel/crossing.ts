import { addNamespace, removeNamespace, type Namespace } from '../../test/netns/namespace.ts';

/**
 * A client and an endpoint, each in a network namespace of its own, and between them, side by side, one node for each way that is
 * compared: packets of one way meet nothing of another.
 */
export interface Crossing {
  readonly client: Namespace;
  readonly endpoint: Namespace;
  readonly lanes: readonly Lane[];
  remove(): Promise<void>;
}

/** One way from the client to the endpoint. */
export interface Lane {
  readonly node: Namespace;
  /** Addresses of the endpoint in this lane. */
  readonly endpoints: readonly string[];
  /** An address that nobody has, to which the client has a route through the node. */
  readonly vip: string;
}

const ENDPOINT_ADDRESSES = 10;

/** Makes one; `remove` ends what still runs in it. */
export async function startCrossing(laneCount: number): Promise<Crossing> {
  const made: Namespace[] = [];
  const add = async (name: string): Promise<Namespace> => {
    const namespace = await addNamespace(`gatehouse-bench-${process.pid}-${name}`);
    made.push(namespace);
    await namespace.exec('ip', ['link', 'set', 'lo', 'up']);
    return namespace;
  };
  const remove = async (): Promise<void> => {
    for (const namespace of made.toReversed()) await removeNamespace(namespace);
  };
  try {
    const client = await add('client');
    const endpoint = await add('endpoint');
    const lanes: Lane[] = [];
    for (let number = 1; number <= laneCount; number += 1) lanes.push(await addLane({ client, endpoint, node: await add(`node${number}`), number }));
    return { client, endpoint, lanes, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

interface LaneParts {
  readonly client: Namespace;
  readonly endpoint: Namespace;
  readonly node: Namespace;
  readonly number: number;
}

async function addLane({ client, endpoint, node, number }: LaneParts): Promise<Lane> {
  const vip = `10.92.${number}.1`;
  const endpoints = Array.from({ length: ENDPOINT_ADDRESSES }, (_, index) => `10.91.${number}.${index + 2}`);
  await node.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0']);
  await connect(node, { name: 'outside', address: `10.90.${number}.1` }, client, { name: `lane${number}`, addresses: [`10.90.${number}.2`] });
  await connect(node, { name: 'inside', address: `10.91.${number}.1` }, endpoint, { name: `lane${number}`, addresses: endpoints });
  for (const destination of [`10.91.${number}.0/24`, vip]) await client.exec('ip', ['route', 'add', destination, 'via', `10.90.${number}.1`]);
  await endpoint.exec('ip', ['route', 'add', `10.90.${number}.0/24`, 'via', `10.91.${number}.1`]);
  return { node, endpoints, vip };
}

interface NodeEnd {
  readonly name: string;
  readonly address: string;
}

interface OtherEnd {
  readonly name: string;
  readonly addresses: readonly string[];
}

async function connect(node: Namespace, { name, address }: NodeEnd, other: Namespace, { name: otherName, addresses }: OtherEnd): Promise<void> {
  await node.exec('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', otherName, 'netns', other.name]);
  await node.exec('ip', ['address', 'add', `${address}/24`, 'dev', name]);
  for (const each of addresses) await other.exec('ip', ['address', 'add', `${each}/24`, 'dev', otherName]);
  await node.exec('ip', ['link', 'set', name, 'up']);
  await other.exec('ip', ['link', 'set', otherName, 'up']);
}
