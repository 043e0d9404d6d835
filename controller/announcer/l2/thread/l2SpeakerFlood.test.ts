import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Namespace } from '../../../../test/netns/namespace.ts';
import { startSpeaker } from '../../../../test/support/l2Speaker.ts';
import type { PacketStation } from '../../../../test/support/packetStation.ts';
import { lacks, lacksRoot } from '../../../../test/support/requirement.ts';
import {
  answersOn, CLIENT_MAC, macOctets, request, startPair, stationOf, untilAnswered, VIP, type Pair,
} from '../../../../test/support/speakerPair.ts';
import { octetsOf } from './interfaceSockets.ts';
import { printArpFrame } from './testing/frames.ts';

const skip = lacksRoot() || lacks('ip');

const percentile = (sorted: readonly number[], share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(3);

/** Each request from another client: one that asks this fast would be taken for a flood itself. */
async function measure(t: TestContext, what: string, station: PacketStation, pair: Pair): Promise<readonly (number | null)[]> {
  const tookMs = await station.ask(Array.from({ length: 300 }, (_, index) => {
    const client = `198.18.${index >> 8}.${index & 255}`;
    const reply = [macOctets(pair.nodeEnd.mac), octetsOf(VIP.v4), macOctets(CLIENT_MAC), octetsOf(client)];
    return { frame: request(VIP.v4, client), reply: Buffer.concat(reply) };
  }));
  const sorted = tookMs.filter((ms) => ms !== null).toSorted((a, b) => a - b);
  t.diagnostic(`${what}: median ${percentile(sorted, 0.5)} ms, 99% ${percentile(sorted, 0.99)} ms, worst ${percentile(sorted, 1)} ms, unanswered ${tookMs.length - sorted.length}`);
  return tookMs;
}

/** User and system time of a process, ms. */
async function cpuMs(namespace: Namespace, pid: number): Promise<number> {
  const fields = (await namespace.exec('cat', [`/proc/${pid}/stat`])).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

test('a client is answered while foreign requests flood in, which the kernel keeps from the process', { skip }, async (t) => {
  const pair = await startPair(t);
  const [station, flooder] = [await stationOf(t, pair), await stationOf(t, pair)];
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  assert.ok((await measure(t, 'idle', station, pair)).every((ms) => ms !== null));
  const cpuBeforeMs = await cpuMs(pair.node, speaker.pid);
  const flood = flooder.flood(request('192.0.2.200'), 200_000, 100_000);
  await measure(t, 'under a flood of foreign requests', station, pair);
  const { sent, tookMs } = await flood;
  t.diagnostic(`${Math.round(sent / tookMs * 1_000)} frames/s; CPU of the process meanwhile ${await cpuMs(pair.node, speaker.pid) - cpuBeforeMs} ms of ${Math.round(tookMs)} ms`);
  const counts = (await speaker.counts()).get(VIP.v4);
  assert.ok((counts?.requestsReceived ?? 0) < 2_000, 'foreign requests never reached it');
  await untilAnswered(station);
});

test('a flood of claims to our address is told to the owner in few words', { skip }, async (t) => {
  const pair = await startPair(t);
  const [station, flooder] = [await stationOf(t, pair), await stationOf(t, pair)];
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  await flooder.flood(printArpFrame({ operation: 2, sender: VIP.v4, target: VIP.v4, senderMac: '020000000077' }), 100_000, 100_000);
  await speaker.saw('conflict');
  const counts = (await speaker.counts()).get(VIP.v4);
  t.diagnostic(`${counts?.conflictsSeen} claims seen, ${speaker.events.length} events`);
  assert.ok(speaker.events.length < 100);
});

test('a flood of requests for our own address ends, and everybody is answered again', { skip }, async (t) => {
  const pair = await startPair(t);
  const [station, flooder] = [await stationOf(t, pair), await stationOf(t, pair)];
  const speaker = await startSpeaker(t, pair.node);
  await speaker.setAnswers(answersOn(pair.nodeEnd, VIP.v4));
  await untilAnswered(station);
  const cpuBeforeMs = await cpuMs(pair.node, speaker.pid);
  const flood = flooder.flood(request(VIP.v4, '192.0.2.77'), 200_000, 100_000);
  await measure(t, 'under a flood of requests for our address', station, pair);
  const { sent, tookMs } = await flood;
  const counts = (await speaker.counts()).get(VIP.v4);
  t.diagnostic(`${Math.round(sent / tookMs * 1_000)} frames/s; CPU ${await cpuMs(pair.node, speaker.pid) - cpuBeforeMs} ms of ${Math.round(tookMs)} ms; ${counts?.requestsReceived} received, ${counts?.repliesSent} answered`);
  await untilAnswered(station);
});
