import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { addNamespace, removeNamespace, type Namespace } from '../../test/netns/namespace.ts';
import { lacks, lacksRoot } from '../../test/support/requirement.ts';
import { until } from '../../test/support/until.ts';
import { assembleBpf } from './bpfProgram.ts';
import { libc } from './libc.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, openIpv6Memberships, openPacketSocket } from './packetSocket.ts';
import { SystemError } from './systemError.ts';
import { findInterface, startStation, type NamedInterface } from '../../test/support/packetStation.ts';

const skip = lacksRoot() || lacks('ip');
const GROUP = '3333ff000010';

interface Wire {
  readonly left: Namespace;
  readonly right: Namespace;
  readonly leftEnd: NamedInterface;
  readonly rightEnd: NamedInterface;
}

let wires = 0;

/** Two namespaces, joined by a cable. */
async function startWire(t: TestContext): Promise<Wire> {
  wires += 1;
  const [left, right] = [await addNamespace(`ghpkt${process.pid}-${wires}l`), await addNamespace(`ghpkt${process.pid}-${wires}r`)];
  t.after(async () => { for (const namespace of [left, right]) await removeNamespace(namespace); });
  await left.exec('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', right.name]);
  for (const namespace of [left, right]) await namespace.exec('ip', ['link', 'set', 'eth0', 'up']);
  return { left, right, leftEnd: await findInterface(left, 'eth0'), rightEnd: await findInterface(right, 'eth0') };
}

const macOctets = ({ mac }: NamedInterface): string => mac.replaceAll(':', '');
/** A frame whose payload is a number, so that it is known again. */
const numbered = (destination: string, etherType: string, number: number): Buffer =>
  Buffer.concat([Buffer.from(`${destination}020000000001${etherType}`, 'hex'), Buffer.alloc(46, number)]);
const numbersOf = (seen: readonly { readonly frame: Buffer }[]): readonly number[] => seen.map(({ frame }) => frame.at(-1) ?? -1);

test('a socket receives frames of its EtherType, and only what its filter lets through, before and after the filter changes', { skip }, async (t) => {
  const { left, right, leftEnd, rightEnd } = await startWire(t);
  const payloadIs = (number: number): Buffer => assembleBpf([
    { type: 'load', octets: 1, offset: 14 },
    { type: 'jump', test: 'equal', value: number, whenFalse: 'other' },
    { type: 'return', octets: 2048 },
    { type: 'label', name: 'other' },
    { type: 'return', octets: 0 },
  ]);
  const receiver = await startStation(t, left, { on: leftEnd, etherType: ETHERTYPE_ARP, filter: payloadIs(2) });
  const sender = await startStation(t, right, { on: rightEnd, etherType: ETHERTYPE_ARP });
  await sender.send(...[1, 2, 3].flatMap((number) => ['0806', '0800', '86dd'].map((type) => numbered('ffffffffffff', type, number))));
  assert.deepEqual(numbersOf(await receiver.receive(1, 5_000)), [2]);
  await receiver.setFilter(payloadIs(3));
  await sender.send(...[1, 2, 3].map((number) => numbered('ffffffffffff', '0806', number)));
  assert.deepEqual(numbersOf(await receiver.receive(1, 5_000)), [3]);
});

test('what a socket sends does not come back to it, nor what its host sends', { skip }, async (t) => {
  const { left, right, leftEnd, rightEnd } = await startWire(t);
  const one = await startStation(t, left, { on: leftEnd, etherType: ETHERTYPE_ARP });
  const other = await startStation(t, left, { on: leftEnd, etherType: ETHERTYPE_ARP });
  const far = await startStation(t, right, { on: rightEnd, etherType: ETHERTYPE_ARP });
  await one.send(numbered('ffffffffffff', '0806', 1));
  assert.deepEqual(numbersOf(await far.receive(1, 5_000)), [1]);
  assert.deepEqual(await one.receive(0, 0), []);
  assert.deepEqual(await other.receive(0, 0), []);
});

test('the packet type tells frames to other hosts and to other VLANs apart, so that filters can leave them out', { skip }, async (t) => {
  const { left, right, leftEnd, rightEnd } = await startWire(t);
  await left.exec('ip', ['link', 'set', 'eth0', 'promisc', 'on']);
  const forThisHost = assembleBpf([
    { type: 'loadFact', fact: 'packetType' },
    { type: 'jump', test: 'greater', value: 2, whenTrue: 'foreign' },
    { type: 'loadFact', fact: 'interfaceIndex' },
    { type: 'jump', test: 'equal', value: leftEnd.index, whenFalse: 'foreign' },
    { type: 'return', octets: 2048 },
    { type: 'label', name: 'foreign' },
    { type: 'return', octets: 0 },
  ]);
  const receiver = await startStation(t, left, { on: leftEnd, etherType: ETHERTYPE_ARP, filter: forThisHost });
  const sender = await startStation(t, right, { on: rightEnd, etherType: ETHERTYPE_ARP });
  const tagged = (tag: string, number: number): Buffer => numbered('ffffffffffff', `8100${tag}0806`, number);
  await sender.send(
    numbered(macOctets(leftEnd), '0806', 1), numbered('020000000077', '0806', 2), tagged('000a', 3), tagged('6fff', 4), tagged('6000', 5),
    numbered('ffffffffffff', '0806', 6),
  );
  // VLAN 0 is a priority, and the frame no VLAN's.
  assert.deepEqual(numbersOf(await receiver.receive(3, 5_000)), [1, 5, 6]);
});

/** Multicast addresses that the interface's own filter lets through. */
async function linkGroups(namespace: Namespace): Promise<readonly string[]> {
  const [link] = JSON.parse(await namespace.exec('ip', ['-j', 'maddress', 'show', 'dev', 'eth0'])) as
    readonly { readonly maddr: readonly { readonly link?: string }[] }[];
  return (link?.maddr ?? []).flatMap(({ link: mac }) => mac === undefined ? [] : [mac.replaceAll(':', '')]);
}

test('a group is joined at the interface, stays joined while it is down and up again, and is left with the socket', { skip }, async (t) => {
  const { left, leftEnd } = await startWire(t);
  const station = await startStation(t, left, { on: leftEnd, etherType: ETHERTYPE_IPV6 });
  assert.ok(!(await linkGroups(left)).includes(GROUP));
  await station.changeGroups({ join: [GROUP] });
  assert.ok((await linkGroups(left)).includes(GROUP));
  for (const state of ['down', 'up']) await left.exec('ip', ['link', 'set', 'eth0', state]);
  assert.ok((await linkGroups(left)).includes(GROUP));
  await station.changeGroups({ leave: [GROUP] });
  assert.ok(!(await linkGroups(left)).includes(GROUP));
});

test('an interface that goes down fails its socket once, with ENETDOWN; up again, the same socket goes on', { skip }, async (t) => {
  const { left, right, leftEnd, rightEnd } = await startWire(t);
  const receiver = await startStation(t, left, { on: leftEnd, etherType: ETHERTYPE_ARP });
  const sender = await startStation(t, right, { on: rightEnd, etherType: ETHERTYPE_ARP });
  await left.exec('ip', ['link', 'set', 'eth0', 'down']);
  await assert.rejects(receiver.receive(1, 5_000), /ENETDOWN/);
  await assert.rejects(receiver.send(numbered('ffffffffffff', '0806', 1)), /ENETDOWN/);
  await left.exec('ip', ['link', 'set', 'eth0', 'up']);
  await until('the cable carries again', async () => {
    await sender.send(numbered('ffffffffffff', '0806', 2)).catch(() => {});
    return (await receiver.receive(0, 50)).length > 0;
  });
});

test('an interface that is removed fails its socket for good', { skip }, async (t) => {
  const { left, leftEnd } = await startWire(t);
  const station = await startStation(t, left, { on: leftEnd, etherType: ETHERTYPE_ARP });
  await left.exec('ip', ['link', 'del', 'eth0']);
  await assert.rejects(station.receive(1, 5_000), /ENETDOWN|ENODEV|ENXIO/);
  await assert.rejects(station.send(numbered('ffffffffffff', '0806', 1)), /ENXIO|ENODEV|ENETDOWN/);
});

test('an interface that is not there is an error with its name, and leaves nothing open', { skip }, () => {
  const before = libc().duplicate(0);
  libc().close(before);
  const open = (): unknown => openPacketSocket({
    interfaceIndex: 0x7fff_fff0, interfaceName: 'eth99', etherType: ETHERTYPE_ARP, receiveBufferBytes: 65_536,
    filter: assembleBpf([{ type: 'return', octets: 0 }]),
  });
  assert.throws(open, (error) => error instanceof SystemError && error.errnoName === 'ENODEV' && error.message.includes('eth99'));
  const after = libc().duplicate(0);
  libc().close(after);
  assert.equal(after, before);
});

test('a program the kernel refuses is an error', { skip }, () => {
  assert.throws(() => openPacketSocket({
    interfaceIndex: 1, interfaceName: 'lo', etherType: ETHERTYPE_ARP, receiveBufferBytes: 65_536, filter: Buffer.alloc(0),
  }), /EINVAL/);
});

test('a closed socket neither receives nor sends, and may be closed again', { skip }, () => {
  const socket = openPacketSocket({
    interfaceIndex: 1, interfaceName: 'lo', etherType: ETHERTYPE_ARP, receiveBufferBytes: 65_536,
    filter: assembleBpf([{ type: 'return', octets: 0 }]),
  });
  socket.close();
  socket.close();
  assert.equal(socket.receive(Buffer.alloc(64)), null);
  assert.equal(socket.send(Buffer.alloc(64)), false);
});

test('memberships of an interface that is not there are refused, with ENODEV', { skip }, (t) => {
  const memberships = openIpv6Memberships(0x7fff_fff0, 'eth99');
  t.after(() => memberships.close());
  assert.throws(() => memberships.join(Buffer.from('ff0200000000000000000001ff000010', 'hex')), /ENODEV/);
});
