import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ETHERTYPE_ARP } from '../../../../core/os/packetSocket.ts';
import { startSpeaker } from '../../../../test/support/l2Speaker.ts';
import { findInterface, startStation, type NamedInterface } from '../../../../test/support/packetStation.ts';
import { lacks, lacksRoot } from '../../../../test/support/requirement.ts';
import {
  answersOn, connect, drain, repliesFor, request, SOLICITED_NODE_MAC, startPair, stationOf, untilAnswered, VIP,
} from '../../../../test/support/speakerPair.ts';
import { until } from '../../../../test/support/until.ts';
import type { L2Answer } from '../../parts.ts';
import { printArpFrame } from './testing/frames.ts';

const skip = lacksRoot() || lacks('ip') || lacks('ping');

test('an interface that goes down and up again answers again by itself, its group still heard', { skip }, async (t) => {
  const pair = await startPair(t);
  const { node, client, nodeEnd } = pair;
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, node);
  await speaker.setAnswers(answersOn(nodeEnd, VIP.v4, VIP.v6));
  await untilAnswered(station);
  await node.exec('ip', ['link', 'set', 'eth0', 'down']);
  await speaker.saw('log', /cannot be used/);
  await node.exec('ip', ['link', 'set', 'eth0', 'up']);
  await speaker.saw('log', /can be used again/);
  await untilAnswered(station);
  assert.match(await node.exec('ip', ['maddress', 'show', 'dev', 'eth0']), new RegExp(SOLICITED_NODE_MAC));
  await client.run('ip', ['neigh', 'flush', 'dev', 'eth0']);
  await client.run('ping', ['-c', '1', '-W', '0.2', VIP.v6]);
  await until('IPv6 is resolved', async () => (await client.exec('ip', ['neigh', 'show', VIP.v6])).includes(nodeEnd.mac));
});

test('an interface that is removed costs the others nothing, and one that is made anew under its name is answered on', { skip }, async (t) => {
  const pair = await startPair(t);
  const { node, client } = pair;
  await node.exec('ip', ['link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', client.name]);
  for (const namespace of [node, client]) await namespace.exec('ip', ['link', 'set', 'eth1', 'up']);
  const [second, secondClient] = [await findInterface(node, 'eth1'), await findInterface(client, 'eth1')];
  const onBoth = (first: NamedInterface): readonly L2Answer[] =>
    [VIP.v4, VIP.v6].map((address) => ({ address, interfaces: [first, second], mode: { type: 'owner' }, leaving: false }));
  const other = await startStation(t, client, { on: secondClient, etherType: ETHERTYPE_ARP });
  const speaker = await startSpeaker(t, node);
  await speaker.setAnswers(onBoth(pair.nodeEnd));
  const answeredOnOther = () => until('the other interface answers', async () => {
    await other.send(request(VIP.v4));
    return repliesFor(await other.receive(1, 50), VIP.v4).length > 0;
  });
  await answeredOnOther();
  await node.exec('ip', ['link', 'del', 'eth0']);
  await speaker.saw('log', /cannot be used/);
  await answeredOnOther();
  const anew = await connect(node, client);
  await speaker.setAnswers(onBoth(anew.nodeEnd));
  const station = await stationOf(t, { ...pair, ...anew });
  await untilAnswered(station);
  assert.match(await node.exec('ip', ['maddress', 'show', 'dev', 'eth0']), new RegExp(SOLICITED_NODE_MAC));
  assert.deepEqual((await speaker.counts()).get(VIP.v4)?.conflictsSeen, 0);
});

test('a process that was stopped answers nothing of what was asked meanwhile, and speaks again only after a moment', { skip }, async (t) => {
  const pair = await startPair(t);
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  await drain(station);
  process.kill(speaker.pid, 'SIGSTOP');
  // What was sent before the stop.
  await drain(station);
  for (let count = 0; count < 20; count += 1) {
    await station.send(request(VIP.v4));
    await station.receive(1, 50);
  }
  assert.deepEqual(await station.receive(0, 0), []);
  process.kill(speaker.pid, 'SIGCONT');
  await speaker.saw('lapsed');
  const lapsedMs = Date.now();
  const after = await station.receive(1, 10_000);
  t.diagnostic(`first word ${Math.round((after[0]?.atMs ?? 0) - lapsedMs)} ms after the stop was noticed`);
  assert.ok(after.length > 0, 'it announces itself');
  assert.deepEqual(repliesFor(after, VIP.v4), []);
  await untilAnswered(station);
});

test('answers that change while it is silent are the ones it speaks for afterwards', { skip }, async (t) => {
  const pair = await startPair(t);
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  process.kill(speaker.pid, 'SIGSTOP');
  await drain(station);
  await station.receive(1_000, 700);
  process.kill(speaker.pid, 'SIGCONT');
  await speaker.saw('lapsed');
  await speaker.setAnswers(answersOn(pair.nodeEnd, '192.0.2.11'));
  await untilAnswered(station, '192.0.2.11');
  await drain(station);
  await station.send(request(VIP.v4));
  assert.deepEqual(repliesFor(await station.receive(1, 300), VIP.v4), []);
});

test('while the main thread is busy the thread answers on, and falls silent when that takes too long', { skip }, async (t) => {
  const pair = await startPair(t);
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  const blocked = speaker.block(2_500);
  await until('it is silent', async () => {
    await drain(station);
    await station.send(request(VIP.v4));
    return repliesFor(await station.receive(1, 200), VIP.v4).length === 0;
  });
  await blocked;
  await speaker.saw('log', /stopped or stuck/);
  await untilAnswered(station);
});

test('a process that was stuck defends its addresses no sooner for that', { skip }, async (t) => {
  const pair = await startPair(t);
  const [station, claimant] = [await stationOf(t, pair), await stationOf(t, pair)];
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  const claim = printArpFrame({ operation: 2, sender: VIP.v4, target: VIP.v4, senderMac: '020000000077' });
  const conflicts = () => speaker.events.filter(({ type }) => type === 'conflict').map(({ atMs }) => atMs ?? Number.NaN);
  const claimUntil = (what: string, isSo: () => boolean) => until(what, async () => {
    await claimant.send(claim);
    return isSo();
  });
  await claimUntil('it is defended', () => conflicts().length === 1);
  await speaker.block(600);
  await speaker.saw('log', /runs smoothly again/);
  await claimUntil('it is defended again', () => conflicts().length === 2);
  const [first = 0, second = 0] = conflicts();
  assert.ok(second - first >= 9_990, `${second - first} ms`);
});

test('a speaker that stops is silent from then on, may be stopped again, and its process ends by itself', { skip }, async (t) => {
  const pair = await startPair(t);
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  await speaker.stop();
  await speaker.stop();
  await drain(station);
  await station.send(request(VIP.v4));
  assert.deepEqual(await station.receive(1, 300), []);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await station.send(request(VIP.v4));
  assert.deepEqual(await station.receive(1, 300), []);
  assert.equal(await speaker.end(), 0);
});

test('interfaces and addresses that come and go leave no descriptor open', { skip }, async (t) => {
  const pair = await startPair(t);
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4, VIP.v6));
  await untilAnswered(station);
  const before = await speaker.countDescriptors();
  for (let round = 0; round < 50; round += 1) {
    for (const addresses of [[], [VIP.v4], [VIP.v6], [VIP.v6, '2001:db8::11'], [VIP.v4, VIP.v6]]) {
      await speaker.setAnswers(answersOn(pair.nodeEnd, ...addresses));
    }
  }
  await untilAnswered(station);
  await speaker.counts();
  assert.equal(await speaker.countDescriptors(), before);
});

test('a thread that dies is started again, says why, and answers again with what was set last', { skip }, async (t) => {
  const pair = await startPair(t);
  const station = await stationOf(t, pair);
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  const before = (await speaker.counts()).get(VIP.v4)?.repliesSent ?? 0;
  const descriptors = await speaker.countDescriptors();
  // No address at all: nothing that decides about answers may ever send it, and the thread has no plan for it.
  await speaker.setAnswers(answersOn(pair.nodeEnd, 'nonsense'));
  await speaker.saw('log', /has ended and is started again/, 2);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  assert.ok(((await speaker.counts()).get(VIP.v4)?.repliesSent ?? 0) > before);
  assert.equal(await speaker.countDescriptors(), descriptors);
});
