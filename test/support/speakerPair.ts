import type { TestContext } from 'node:test';
import { octetsOf } from '../../controller/announcer/l2/thread/interfaceSockets.ts';
import { printArpFrame } from '../../controller/announcer/l2/thread/testing/frames.ts';
import type { L2Answer, Link } from '../../controller/announcer/parts.ts';
import { ETHERTYPE_ARP } from '../../core/os/packetSocket.ts';
import { addNamespace, removeNamespace, type Namespace } from '../netns/namespace.ts';
import { findInterface, startStation, type NamedInterface, type PacketStation } from './packetStation.ts';
import { until } from './until.ts';

const NODE = { v4: '192.0.2.1', v6: '2001:db8::1' };
const CLIENT = { v4: '192.0.2.99', v6: '2001:db8::99' };
/** What the node answers for. */
export const VIP = { v4: '192.0.2.10', v6: '2001:db8::10' };
/** MAC of the client's end. */
export const CLIENT_MAC = '02:00:00:00:00:99';
/** The group that questions for the IPv6 VIP go to. */
export const SOLICITED_NODE_MAC = '33:33:ff:00:00:10';

/** A node and a client, joined by a cable: `eth0` on either side. */
export interface Pair {
  readonly node: Namespace;
  readonly client: Namespace;
  readonly nodeEnd: NamedInterface;
  readonly clientEnd: NamedInterface;
}

let pairs = 0;

/** Makes one that stands until the test ends. */
export async function startPair(t: TestContext): Promise<Pair> {
  pairs += 1;
  const [node, client] = [await addNamespace(`ghl2${process.pid}-${pairs}n`), await addNamespace(`ghl2${process.pid}-${pairs}c`)];
  t.after(async () => { for (const namespace of [node, client]) await removeNamespace(namespace); });
  return { node, client, ...await connect(node, client) };
}

/** Lays the cable, again after it was removed. */
export async function connect(node: Namespace, client: Namespace): Promise<Pick<Pair, 'nodeEnd' | 'clientEnd'>> {
  await node.exec('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'address', CLIENT_MAC, 'netns', client.name]);
  for (const [namespace, { v4, v6 }] of [[node, NODE], [client, CLIENT]] as const) {
    await namespace.exec('ip', ['link', 'set', 'eth0', 'up']);
    await namespace.exec('ip', ['address', 'add', `${v4}/24`, 'dev', 'eth0']);
    await namespace.exec('ip', ['address', 'add', `${v6}/64`, 'dev', 'eth0', 'nodad']);
  }
  return { nodeEnd: await findInterface(node, 'eth0'), clientEnd: await findInterface(client, 'eth0') };
}

/** The owner's answers for addresses on one interface. */
export const answersOn = (on: NamedInterface, ...addresses: readonly string[]): readonly L2Answer[] =>
  addresses.map((address) => ({ address, interfaces: [on], mode: { type: 'owner' }, leaving: false }));

/** An interface as the watch on interfaces tells of it. */
export const linkOf = ({ index, name, mac }: NamedInterface, up: boolean): Link => ({
  index, name, mac, up, loopback: false, noArp: false, broadcast: true, master: null, kind: 'veth', addresses: [],
});

/** An ARP request of the client, broadcast. */
export const request = (target: string, sender: string = CLIENT.v4): Buffer =>
  printArpFrame({ operation: 1, sender, target, senderMac: CLIENT_MAC.replaceAll(':', '') });
/** The six octets of a MAC. */
export const macOctets = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');

/** ARP replies to the client that tell where an address is. */
export const repliesFor = (seen: readonly { readonly frame: Buffer }[], address: string): readonly Buffer[] =>
  seen.map(({ frame }) => frame).filter((frame) => frame.readUInt16BE(20) === 2 && frame.subarray(28, 32).equals(octetsOf(address)) &&
    frame.subarray(0, 6).equals(macOctets(CLIENT_MAC)));

/** Asks until an answer comes; answers to earlier questions count for nothing. */
export async function untilAnswered(station: PacketStation, address: string = VIP.v4): Promise<void> {
  await station.receive(0, 0);
  await until(`${address} is answered for`, async () => {
    await station.send(request(address));
    return repliesFor(await station.receive(1, 50), address).length > 0;
  });
}

/** Lets all that the other side may have to say come in, and throws it away. */
export async function drain(station: PacketStation): Promise<void> {
  while ((await station.receive(1, 100)).length > 0);
}

/** A station at the client's end; it hears what the client hears. */
export const stationOf = (t: TestContext, { client, clientEnd }: Pair, etherType = ETHERTYPE_ARP): Promise<PacketStation> =>
  startStation(t, client, { on: clientEnd, etherType, groups: [SOLICITED_NODE_MAC, '33:33:00:00:00:01'].map((mac) => mac.replaceAll(':', '')) });
