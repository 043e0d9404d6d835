import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ETHERTYPE_IPV6 } from '../../../../core/os/packetSocket.ts';
import { lacksScapy, PYTHON } from '../../../../test/netns/lab.ts';
import { startSpeaker } from '../../../../test/support/l2Speaker.ts';
import { lacks, lacksRoot } from '../../../../test/support/requirement.ts';
import {
  answersOn, drain, linkOf, macOctets, repliesFor, SOLICITED_NODE_MAC, startPair, stationOf, untilAnswered, VIP,
} from '../../../../test/support/speakerPair.ts';
import { until } from '../../../../test/support/until.ts';
import { octetsOf } from './interfaceSockets.ts';
import { printArpFrame } from './testing/frames.ts';

const skip = lacksRoot() || lacks('ip') || lacks('ping');

test('arping is answered by the MAC of the interface, requests and probes alike, but not for an address that is not ours',
  { skip: skip || lacks('arping') }, async (t) => {
    const { node, client, nodeEnd } = await startPair(t);
    const speaker = await startSpeaker(t, node);
    await speaker.setAnswers(answersOn(nodeEnd, VIP.v4));
    const asked = await client.exec('arping', ['-C', '3', '-w', '30', '-W', '0.1', '-d', '-I', 'eth0', VIP.v4]);
    assert.equal(asked.match(new RegExp(`from ${nodeEnd.mac} \\(${VIP.v4}\\)`, 'g'))?.length, 3);
    assert.match(await client.exec('arping', ['-0', '-C', '2', '-w', '30', '-W', '0.1', '-I', 'eth0', VIP.v4]), / 2 packets received/);
    assert.notEqual((await client.run('arping', ['-c', '1', '-w', '0.3', '-I', 'eth0', '192.0.2.11'])).code, 0);
    const counts = (await speaker.counts()).get(VIP.v4);
    assert.ok((counts?.requestsReceived ?? 0) >= 5);
    assert.ok((counts?.repliesSent ?? 0) >= 5);
  });

test('ndisc6 is answered, and the solicited-node group is joined at the interface, reported to switches, and left again',
  { skip: skip || lacks('ndisc6') }, async (t) => {
    const { node, client, nodeEnd } = await startPair(t);
    const speaker = await startSpeaker(t, node);
    await speaker.setAnswers(answersOn(nodeEnd, VIP.v6));
    assert.match(await client.exec('ndisc6', ['-1', '-r', '20', '-w', '200', VIP.v6, 'eth0']), new RegExp(nodeEnd.mac, 'i'));
    // What it announces to all, before it joins groups, is an answer to ndisc6, too.
    await until('the group is joined', async () => {
      const groups = await node.exec('ip', ['maddress', 'show', 'dev', 'eth0']);
      return groups.includes(SOLICITED_NODE_MAC) && groups.includes('ff02::1:ff00:10');
    });
    await speaker.setAnswers([]);
    await until('the group is left', async () => !(await node.exec('ip', ['maddress', 'show', 'dev', 'eth0'])).includes(SOLICITED_NODE_MAC));
  });

test('an interface on which the kernel has no IPv6 answers for IPv6 addresses all the same, and says what that costs', { skip }, async (t) => {
  const { node, client, nodeEnd } = await startPair(t);
  // Below the least MTU of IPv6 (RFC 8200 section 5), Linux takes it off the interface.
  await node.exec('ip', ['link', 'set', 'eth0', 'mtu', '1200']);
  const speaker = await startSpeaker(t, node);
  await speaker.setAnswers(answersOn(nodeEnd, VIP.v6));
  await speaker.saw('log', /does not report its groups/);
  await client.run('ping', ['-c', '1', '-W', '0.2', VIP.v6]);
  await until('IPv6 is resolved', async () => (await client.exec('ip', ['neigh', 'show', VIP.v6])).includes(nodeEnd.mac));
});

test('a thousand addresses are answered for, the first as well as the last', { skip }, async (t) => {
  const pair = await startPair(t);
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, pair.node);
  const addresses = Array.from({ length: 500 }, (_, index) => [`10.${index % 7}.${index >> 4}.${index & 255}`, `2001:db8:${(index % 7).toString(16)}::${(index + 1).toString(16)}`]).flat();
  const startMs = Date.now();
  await speaker.setAnswers(answersOn(pair.nodeEnd, ...addresses));
  await speaker.counts();
  t.diagnostic(`set and announced within ${Date.now() - startMs} ms`);
  for (const address of [addresses[0], addresses.at(-2)]) await untilAnswered(station, address);
  const last = addresses.at(-1) ?? '';
  await pair.client.exec('ip', ['route', 'add', `${last}/128`, 'dev', 'eth0']);
  await pair.client.run('ping', ['-c', '1', '-W', '0.2', last]);
  await until('the last IPv6 address is resolved', async () => (await pair.client.exec('ip', ['neigh', 'show', last])).includes(pair.nodeEnd.mac));
  assert.deepEqual(speaker.events, []);
});

test('the neighbour table of a client resolves both families, and its unicast probes keep the entry alive', { skip }, async (t) => {
  const pair = await startPair(t);
  const { node, client, nodeEnd } = pair;
  const speaker = await startSpeaker(t, node);
  await speaker.setAnswers(answersOn(nodeEnd, VIP.v4, VIP.v6));
  for (const address of [VIP.v4, VIP.v6]) {
    const state = async (): Promise<string> => client.exec('ip', ['neigh', 'show', address, 'dev', 'eth0']);
    await client.run('ip', ['neigh', 'del', address, 'dev', 'eth0']);
    await client.run('ping', ['-c', '1', '-W', '0.2', address]);
    await until(`${address} is known`, async () => (await state()).includes(`lladdr ${nodeEnd.mac}`));
    await client.exec('ip', ['neigh', 'change', address, 'dev', 'eth0', 'lladdr', nodeEnd.mac, 'nud', 'probe']);
    await until(`${address} is confirmed`, async () => (await state()).includes('REACHABLE'));
  }
});

test('duplicate address detection of a host that wants our address fails', { skip }, async (t) => {
  const { node, client, nodeEnd } = await startPair(t);
  const speaker = await startSpeaker(t, node);
  await speaker.setAnswers(answersOn(nodeEnd, VIP.v6));
  await client.exec('ip', ['address', 'add', `${VIP.v6}/64`, 'dev', 'eth0']);
  await until('the address is found taken', async () => (await client.exec('ip', ['address', 'show', 'dev', 'eth0'])).includes('dadfailed'));
});

test('a take-over is announced at once in both families, and announced again when the link says it has come up', { skip }, async (t) => {
  const pair = await startPair(t);
  const [arp, neighbour] = [await stationOf(t, pair), await stationOf(t, pair, ETHERTYPE_IPV6)];
  const speaker = await startSpeaker(t, pair.node);
  await speaker.linksChanged([linkOf(pair.nodeEnd, true)]);
  const announced = async (): Promise<void> => {
    await until('the IPv4 address is announced', async () => (await arp.receive(1, 100)).some(({ frame }) =>
      frame.subarray(0, 6).equals(macOctets('ff:ff:ff:ff:ff:ff')) && frame.subarray(28, 32).equals(octetsOf(VIP.v4)) &&
      frame.subarray(22, 28).equals(macOctets(pair.nodeEnd.mac))));
    await until('the IPv6 address is announced', async () => (await neighbour.receive(1, 100)).some(({ frame }) =>
      frame[54] === 136 && frame.subarray(62, 78).equals(octetsOf(VIP.v6))));
  };
  const startMs = Date.now();
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4, VIP.v6));
  await announced();
  t.diagnostic(`announced within ${Date.now() - startMs} ms, the test's own round trips included`);
  await until('the burst is over', async () => (await arp.receive(1, 3_000)).length === 0);
  await drain(neighbour);
  await speaker.linksChanged([linkOf(pair.nodeEnd, false)]);
  await speaker.linksChanged([linkOf(pair.nodeEnd, true)]);
  await announced();
});

test('another station that uses our address, or takes over one that we leave, is told to the owner', { skip }, async (t) => {
  const pair = await startPair(t);
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, pair.node);
  const claim = printArpFrame({ operation: 1, sender: VIP.v4, target: VIP.v4, senderMac: '020000000077' });
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  // What is heard in the first moments after a take-over may be the former owner.
  await until('a claim counts', async () => {
    await station.send(claim);
    return ((await speaker.counts()).get(VIP.v4)?.conflictsSeen ?? 0) > 0;
  });
  await speaker.saw('conflict');
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4).map((answer) => ({ ...answer, leaving: true })));
  await station.send(claim);
  await speaker.saw('takenOver', /192\.0\.2\.10/);
});

/** Sends what no answer may follow: other VLANs, other protocols, routed, hidden behind extension headers, broken, cut short, or noise. */
const ODD_FRAMES = `
import sys
from scapy.all import *
mac, vip, vip6 = sys.argv[1:4]
me, me6, everybody, group = '02:00:00:00:00:99', 'fe80::99', 'ff:ff:ff:ff:ff:ff', '33:33:ff:00:00:10'
def arp(**fields):
    return ARP(**{'hwsrc': me, 'psrc': '192.0.2.99', 'pdst': vip, **fields})
def broadcast(payload):
    return Ether(src=me, dst=everybody) / payload
def solicit(hlim=255, between=None, options=ICMPv6NDOptSrcLLAddr(lladdr=me), **fields):
    ip = IPv6(src=me6, dst='ff02::1:ff00:10', hlim=hlim)
    message = ICMPv6ND_NS(**{'tgt': vip6, **fields}) / options
    return Ether(src=me, dst=group) / (ip / message if between is None else ip / between / message)
frames = [
    broadcast(Dot1Q(vlan=10) / arp()), broadcast(Dot1Q(vlan=10) / Dot1Q(vlan=20) / arp()), Ether(src=me, dst='02:00:00:00:00:55') / arp(),
    *[broadcast(arp(**fields)) for fields in [dict(op=0), dict(op=3), dict(op=8), dict(hwtype=6), dict(ptype=0x86dd), dict(hwlen=8), dict(plen=16),
        dict(hwlen=255, plen=255)]],
    solicit(hlim=254), solicit(hlim=1), solicit(between=IPv6ExtHdrHopByHop()), solicit(between=IPv6ExtHdrFragment()),
    solicit(between=IPv6ExtHdrDestOpt()), solicit(tgt='ff02::1'), solicit(code=1), solicit(cksum=1), solicit(options=Raw(bytes([1, 0, 0, 0]))),
    solicit(options=Raw(bytes([1, 200]))),
    *[Raw(raw(broadcast(arp()))[:length]) for length in range(14, 42, 3)],
    *[broadcast(Raw(RandString(60))) for _ in range(50)],
]
sendp(frames, iface='eth0', verbose=False)
print(len(frames))
`;

test('odd frames are not answered, and what is right is answered after them',
  { skip: skip || await lacksScapy() }, async (t) => {
    const pair = await startPair(t);
    const [arp, neighbour] = [await stationOf(t, pair), await stationOf(t, pair, ETHERTYPE_IPV6)];
    const speaker = await startSpeaker(t, pair.node);
    await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4, VIP.v6));
    await untilAnswered(arp);
    await until('the burst is over', async () => (await arp.receive(1, 3_000)).length === 0);
    await drain(neighbour);
    const before = await speaker.counts();
    const sent = await pair.client.exec(PYTHON, ['-c', ODD_FRAMES, pair.nodeEnd.mac, VIP.v4, VIP.v6]);
    t.diagnostic(`${sent.trim()} odd frames`);
    assert.deepEqual(repliesFor(await arp.receive(1, 300), VIP.v4), []);
    assert.deepEqual((await neighbour.receive(1, 300)).filter(({ frame }) => frame[54] === 136), []);
    const after = await speaker.counts();
    for (const vip of [VIP.v4, VIP.v6]) assert.equal(after.get(vip)?.repliesSent, before.get(vip)?.repliesSent);
    await untilAnswered(arp);
    assert.deepEqual(speaker.events, []);
  });
