import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeArpProbe, encodeArpReply, encodeArpRequest, encodeGratuitousReply, encodeGratuitousRequest } from './arp.ts';
import { encodeAdvertisement, encodeDuplicateDetection, encodeSolicitation, encodeUnsolicitedAdvertisement } from './encodeNdp.ts';
import { createL2Machine, type L2Machine } from './l2Machine.ts';
import {
  CLIENT4, CLIENT6, CLIENT_MAC, ETH0, ETH1, OTHER_MAC, OWN_MAC, VIP4, VIP4_OCTETS, VIP6, VIP6_OCTETS, answerFor, runUntil, settledMachine, wordsOf,
} from './testing/lan.ts';
import { withOctets } from './testing/spoilFrame.ts';

const NOW_MS = 100_000;
const REQUEST = encodeArpRequest({ mac: CLIENT_MAC, ip: CLIENT4 }, VIP4_OCTETS);
const SOLICITATION = encodeSolicitation({ mac: CLIENT_MAC, ip: CLIENT6 }, VIP6_OCTETS);
const OTHER4 = { mac: OTHER_MAC, ip: VIP4_OCTETS };
const OTHER6 = { mac: OTHER_MAC, ip: VIP6_OCTETS };
const DEFENDED4 = [
  `conflict ${VIP4} eth0 02:00:00:00:00:66 defended`,
  '2: request 192.0.2.10 at 02:00:00:00:00:01 to 192.0.2.10 at 00:00:00:00:00:00, 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff',
  '2: reply 192.0.2.10 at 02:00:00:00:00:01 to 192.0.2.10 at 02:00:00:00:00:01, 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff',
];
const DEFENDED6 = [
  `conflict ${VIP6} eth0 02:00:00:00:00:66 defended`,
  '2: NA O 2001:db8::10 at 02:00:00:00:00:01 2001:db8::10 > ff02::1, 02:00:00:00:00:01 > 33:33:00:00:00:01',
];

function ranWords(machine: L2Machine, endMs: number): (readonly [number, string])[] {
  return runUntil(machine, endMs).map(({ atMs, action }) => [atMs, ...wordsOf([action])] as unknown as readonly [number, string]);
}

const FOREIGN: readonly { readonly line: string; readonly frame: Uint8Array; readonly defence: readonly string[] }[] = [
  { line: 'gratuitous request', frame: encodeGratuitousRequest(OTHER4), defence: DEFENDED4 },
  { line: 'gratuitous reply', frame: encodeGratuitousReply(OTHER4), defence: DEFENDED4 },
  { line: 'request for another address from the VIP', frame: encodeArpRequest(OTHER4, CLIENT4), defence: DEFENDED4 },
  { line: 'reply to us', frame: withOctets(encodeArpReply(OTHER4, { mac: OWN_MAC, ip: CLIENT4 }), {}), defence: DEFENDED4 },
  { line: 'gratuitous reply with another Ethernet source', frame: withOctets(encodeGratuitousReply(OTHER4), { 6: [...CLIENT_MAC] }), defence: DEFENDED4 },
  { line: 'unsolicited advertisement', frame: encodeUnsolicitedAdvertisement(OTHER6), defence: DEFENDED6 },
  {
    line: 'advertisement to us',
    frame: encodeAdvertisement(OTHER6, { mac: OWN_MAC, ip: VIP6_OCTETS }, { solicited: true, override: false }),
    defence: DEFENDED6,
  },
  { line: 'solicitation from the VIP', frame: encodeSolicitation(OTHER6, VIP6_OCTETS), defence: DEFENDED6 },
];

for (const { line, frame, defence } of FOREIGN) {
  test(`Another station's ${line} for a VIP that we own is reported and defended once in ten seconds`, () => {
    const machine = settledMachine();
    const seen: (readonly [number, string])[] = [];
    for (let atMs = NOW_MS; atMs < NOW_MS + 25_000; atMs += 100) {
      assert.deepEqual(machine.frame(ETH0.index, frame, atMs), []);
      seen.push(...ranWords(machine, atMs));
    }
    const times = [500, 10_500, 20_500].map((delayMs) => NOW_MS + delayMs);
    assert.deepEqual(seen, times.flatMap((atMs) => defence.map((words) => [atMs, words])));
    assert.equal(machine.counts().get(frame.length < 60 ? VIP4 : VIP6)?.conflictsSeen, 250);
    assert.equal(machine.frame(ETH0.index, REQUEST, NOW_MS + 26_000).length, 1);
  });
}

test('A node that falls silent for a moment and announces afresh is the same host: it reports and defends no sooner for that', () => {
  const machine = settledMachine();
  const reportedMs: number[] = [];
  for (let atMs = NOW_MS; atMs < NOW_MS + 25_000; atMs += 100) {
    // As the L2 thread does once its process runs smoothly again.
    if (atMs === NOW_MS + 4000) machine.setAnswers([], atMs);
    if (atMs === NOW_MS + 4500) machine.setAnswers([answerFor(VIP4), answerFor(VIP6)], atMs);
    for (const { frame } of FOREIGN) machine.frame(ETH0.index, frame, atMs);
    reportedMs.push(...ranWords(machine, atMs).filter(([, words]) => words.startsWith('conflict')).map(([reportMs]) => reportMs - NOW_MS));
  }
  assert.deepEqual(reportedMs, [500, 500, 10_500, 10_500, 20_500, 20_500]);
});

test('A conflict on another interface is another one, and reported by itself', () => {
  const machine = settledMachine([answerFor(VIP4, { interfaces: [ETH0, ETH1] })]);
  machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), NOW_MS);
  machine.frame(ETH1.index, encodeGratuitousRequest(OTHER4), NOW_MS + 1000);
  const reports = ranWords(machine, NOW_MS + 30_000).filter(([, words]) => words.startsWith('conflict'));
  assert.deepEqual(reports, [[NOW_MS + 500, DEFENDED4[0]], [NOW_MS + 1500, `conflict ${VIP4} eth1 02:00:00:00:00:66 defended`]]);
});

test('A use that was explained does not hasten the report of a later one', () => {
  const machine = settledMachine([answerFor(VIP4)]);
  const use = (atMs: number): void => { machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), NOW_MS + atMs); };
  const reportsUntil = (atMs: number): number[] =>
    ranWords(machine, NOW_MS + atMs).filter(([, words]) => words.startsWith('conflict')).map(([reportMs]) => reportMs - NOW_MS);
  use(0);
  assert.deepEqual(reportsUntil(600), [500]);
  use(600);
  assert.deepEqual(reportsUntil(9300), []);
  machine.setAnswers([answerFor(VIP4, { announcement: 1 })], NOW_MS + 9300);
  assert.deepEqual(reportsUntil(10_400), []);
  use(10_400);
  assert.deepEqual(reportsUntil(60_000), [10_900]);
});

for (const [vip, frame, question] of [
  [VIP4, encodeGratuitousRequest(OTHER4), REQUEST],
  [VIP6, encodeUnsolicitedAdvertisement(OTHER6), SOLICITATION],
] as const) {
  test(`What the former owner of a VIP (${vip}) announces before it is told of the take-over is no conflict, and answered beside`, () => {
    const machine = createL2Machine({ gratuitousIntervalMs: 0 });
    machine.setAnswers([answerFor(vip)], NOW_MS);
    ranWords(machine, NOW_MS + 40);
    machine.frame(ETH0.index, frame, NOW_MS + 40);
    assert.equal(machine.frame(ETH0.index, question, NOW_MS + 41).length, 1, 'it would be silent if this were the new owner');
    machine.frame(ETH0.index, frame, NOW_MS + 499);
    assert.deepEqual(ranWords(machine, NOW_MS + 20_000).filter(([, words]) => words.startsWith('conflict')), []);
    machine.frame(ETH0.index, frame, NOW_MS + 20_000);
    assert.equal(ranWords(machine, NOW_MS + 30_000)[0]?.[1], `conflict ${vip} eth0 02:00:00:00:00:66 defended`);
  });
}

test('Who has been heard to use the VIP is left alone with clients for a moment, once in ten seconds', () => {
  const machine = settledMachine();
  const answersAt = (atMs: number): number => [REQUEST, SOLICITATION].reduce((sum, frame) => sum + machine.frame(ETH0.index, frame, atMs).length, 0);
  assert.equal(answersAt(NOW_MS - 1), 2);
  machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), NOW_MS);
  machine.frame(ETH0.index, encodeUnsolicitedAdvertisement(OTHER6), NOW_MS);
  assert.equal(answersAt(NOW_MS + 199), 0);
  machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), NOW_MS + 199);
  machine.frame(ETH0.index, encodeUnsolicitedAdvertisement(OTHER6), NOW_MS + 199);
  for (let atMs = NOW_MS + 200; atMs < NOW_MS + 10_500; atMs += 50) {
    ranWords(machine, atMs);
    machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), atMs);
    machine.frame(ETH0.index, encodeUnsolicitedAdvertisement(OTHER6), atMs);
    // Once it has been defended, another use is another conflict.
    const isAnother = atMs >= NOW_MS + 500 && atMs < NOW_MS + 700;
    assert.equal(answersAt(atMs), isAnother ? 0 : 2, `after ${atMs - NOW_MS} ms`);
  }
});

test('Who has been heard to use the VIP is left alone with clients also where this node would announce it: that is done a moment later', () => {
  for (const [address, frame] of [[VIP4, encodeGratuitousRequest(OTHER4)], [VIP6, encodeUnsolicitedAdvertisement(OTHER6)]] as const) {
    const machine = createL2Machine({ gratuitousIntervalMs: 0 });
    machine.setAnswers([answerFor(address)], 0);
    const burst = runUntil(machine, 900).map(({ atMs }) => atMs);
    // Of a burst that goes on at 1,000 and 2,000 ms.
    machine.frame(ETH0.index, frame, 950);
    assert.deepEqual([[...new Set(burst)], [...new Set(runUntil(machine, 1400).map(({ atMs }) => atMs))]], [[50, 200], [1150]], address);
    assert.deepEqual(runUntil(machine, 5000).map(({ atMs, action }) => [atMs, action.type]).slice(0, 2), [[1450, 'conflict'], [1450, 'send']], address);
  }
});

test('The owner before us is no conflict when it is heard in our first half second, and does not silence us', () => {
  for (const [address, frame, question] of [[VIP4, encodeGratuitousReply(OTHER4), REQUEST], [VIP6, encodeUnsolicitedAdvertisement(OTHER6), SOLICITATION]] as const) {
    const machine = createL2Machine({ gratuitousIntervalMs: 0 });
    machine.setAnswers([answerFor(address)], NOW_MS);
    runUntil(machine, NOW_MS + 499);
    machine.frame(ETH0.index, frame, NOW_MS + 499);
    assert.equal(machine.frame(ETH0.index, question, NOW_MS + 499).length, 1, address);
    assert.ok(runUntil(machine, NOW_MS + 20_000).every(({ action }) => action.type !== 'conflict'), address);
    assert.equal(machine.counts().get(address)?.conflictsSeen, 0);
  }
});

test('Another station that is heard in our first half second is asked whether it has the address, and is a conflict when it says so', () => {
  for (const [address, frame, probe, defended] of [
    [VIP4, encodeGratuitousReply(OTHER4), PROBE4, DEFENDED4], [VIP6, encodeUnsolicitedAdvertisement(OTHER6), PROBE6, DEFENDED6],
  ] as const) {
    const machine = createL2Machine({ gratuitousIntervalMs: 0 });
    machine.setAnswers([answerFor(address)], NOW_MS);
    runUntil(machine, NOW_MS + 300);
    machine.frame(ETH0.index, frame, NOW_MS + 300);
    assert.deepEqual(ranWords(machine, NOW_MS + 800), [[NOW_MS + 800, probe]], address);
    machine.frame(ETH0.index, frame, NOW_MS + 801);
    assert.deepEqual(ranWords(machine, NOW_MS + 1301).slice(-defended.length), defended.map((words) => [NOW_MS + 1301, words]), address);
  }
});

test('A new owner that is heard when we are new ourselves is left alone once that is over', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4)], NOW_MS);
  machine.frame(ETH0.index, encodeGratuitousReply(OTHER4), NOW_MS + 400);
  runUntil(machine, NOW_MS + 600);
  machine.frame(ETH0.index, encodeGratuitousReply(OTHER4), NOW_MS + 600);
  assert.deepEqual(machine.frame(ETH0.index, REQUEST, NOW_MS + 799), []);
  assert.deepEqual(ranWords(machine, NOW_MS + 1099).map(([atMs]) => atMs), [NOW_MS + 1000, NOW_MS + 1000]);
  assert.deepEqual(ranWords(machine, NOW_MS + 1100).map(([, words]) => words), DEFENDED4);
});

test('A new owner heard just before this node is told of the take-over is no conflict: silent at once', () => {
  const machine = settledMachine();
  machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), NOW_MS);
  assert.deepEqual(wordsOf(machine.setAnswers([answerFor(VIP4, { leaving: true })], NOW_MS + 30)), [`takenOver ${VIP4}`]);
  assert.deepEqual(machine.frame(ETH0.index, REQUEST, NOW_MS + 31), []);
  assert.deepEqual(ranWords(machine, NOW_MS + 60_000), []);
});

test('Who takes over from a node that has just taken over itself is heard by that: silent at once', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4)], NOW_MS);
  machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), NOW_MS + 100);
  assert.deepEqual(wordsOf(machine.setAnswers([answerFor(VIP4, { leaving: true })], NOW_MS + 250)), [`takenOver ${VIP4}`]);
  assert.deepEqual(machine.frame(ETH0.index, REQUEST, NOW_MS + 251), []);
});

test('While leaving, questions are answered, probes are not, nothing is announced', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 5000 });
  machine.setAnswers([answerFor(VIP4), answerFor(VIP6)], 0);
  machine.setAnswers([answerFor(VIP4, { leaving: true }), answerFor(VIP6, { leaving: true })], 10);
  assert.equal(machine.frame(ETH0.index, REQUEST, 20).length, 1);
  assert.deepEqual(wordsOf(machine.frame(ETH0.index, SOLICITATION, 20)), [
    '2: NA S 2001:db8::10 at 02:00:00:00:00:01 2001:db8::10 > 2001:db8::99, 02:00:00:00:00:01 > 02:00:00:00:00:99',
  ], 'without override, so that nobody is drawn back from the new owner');
  assert.deepEqual(machine.frame(ETH0.index, encodeArpProbe(OTHER_MAC, VIP4_OCTETS), 30), []);
  assert.deepEqual(machine.frame(ETH0.index, encodeDuplicateDetection(OTHER_MAC, VIP6_OCTETS), 30), []);
  assert.deepEqual(ranWords(machine, 60_000), []);
});

for (const { line, frame } of FOREIGN) {
  test(`While leaving, another station's ${line} means that the VIP is taken over: silent at once, told once`, () => {
    const vip = frame.length < 60 ? VIP4 : VIP6;
    const machine = settledMachine([answerFor(vip, { interfaces: [ETH0, ETH1] })]);
    machine.setAnswers([answerFor(vip, { interfaces: [ETH0, ETH1], leaving: true })], NOW_MS);
    assert.deepEqual(wordsOf(machine.frame(ETH0.index, frame, NOW_MS + 1)), [`takenOver ${vip}`]);
    assert.deepEqual(machine.frame(ETH0.index, frame, NOW_MS + 2), []);
    for (const { index } of [ETH0, ETH1]) {
      assert.deepEqual(machine.frame(index, vip === VIP4 ? REQUEST : SOLICITATION, NOW_MS + 3), [], 'on all interfaces');
    }
    machine.setAnswers([answerFor(vip, { interfaces: [ETH0, ETH1], leaving: true })], NOW_MS + 4);
    assert.deepEqual(machine.frame(ETH0.index, vip === VIP4 ? REQUEST : SOLICITATION, NOW_MS + 5), [], 'nor after the same answers again');
    assert.equal(machine.counts().get(vip)?.conflictsSeen, 0);
    machine.linkUp(ETH0.index, NOW_MS + 6);
    assert.deepEqual(ranWords(machine, NOW_MS + 60_000), []);
  });
}

test('Who has lost a VIP sends nothing more, whatever was planned', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 1000 });
  machine.setAnswers([answerFor(VIP4), answerFor(VIP6)], 0);
  machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), 10);
  assert.deepEqual(machine.setAnswers([], 20), []);
  assert.deepEqual(machine.frame(ETH0.index, REQUEST, 30), []);
  machine.linkUp(ETH0.index, 40);
  assert.deepEqual(ranWords(machine, 60_000), []);
  assert.equal(machine.nextTickMs(), null);
});

test('A VIP that comes back after it was taken over is announced and answered', () => {
  const machine = settledMachine([answerFor(VIP4)]);
  machine.setAnswers([answerFor(VIP4, { leaving: true })], NOW_MS);
  machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), NOW_MS + 1);
  assert.equal(machine.setAnswers([answerFor(VIP4)], NOW_MS + 2).length, 2);
  assert.equal(machine.frame(ETH0.index, REQUEST, NOW_MS + 3).length, 1);
});

const PROBE4 = '2: request 0.0.0.0 at 02:00:00:00:00:01 to 192.0.2.10 at 00:00:00:00:00:00, 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff';
const PROBE6 = '2: NS 2001:db8::10 - :: > ff02::1:ff00:10, 02:00:00:00:00:01 > 33:33:ff:00:00:10';

for (const [vip, probe, question] of [[VIP4, PROBE4, REQUEST], [VIP6, PROBE6, SOLICITATION]] as const) {
  test(`A VIP nobody had before (${vip}) is asked for three times within 300 ms, then announced`, () => {
    const machine = createL2Machine({ gratuitousIntervalMs: 0 });
    assert.deepEqual(wordsOf(machine.setAnswers([answerFor(vip, { probe: true })], 0)), [probe]);
    assert.deepEqual(machine.frame(ETH0.index, question, 50), [], 'not answered yet');
    assert.deepEqual([...machine.ignored()], [['probing', 1]]);
    const seen = ranWords(machine, 300);
    assert.deepEqual(seen.slice(0, 2), [[100, probe], [200, probe]]);
    assert.equal(seen[2]?.[0], 300);
    assert.equal(machine.frame(ETH0.index, question, 301).length, 1);
  });
}

test('A probe that another station answers: reported, not answered, asked again until it is gone', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4, { probe: true })], 0);
  const theirs = withOctets(encodeArpReply(OTHER4, { mac: OWN_MAC, ip: Uint8Array.of(0, 0, 0, 0) }), {});
  assert.deepEqual(wordsOf(machine.frame(ETH0.index, theirs, 5)), [`conflict ${VIP4} eth0 02:00:00:00:00:66`]);
  const probedMs: number[] = [];
  const reportedMs: number[] = [5];
  for (let due = machine.nextTickMs(); due !== null && due < 60_000; due = machine.nextTickMs()) {
    if (wordsOf(machine.tick(due)).length === 0) continue;
    probedMs.push(due);
    for (const words of wordsOf(machine.frame(ETH0.index, theirs, due + 1))) {
      assert.equal(words, `conflict ${VIP4} eth0 02:00:00:00:00:66`);
      reportedMs.push(due + 1);
    }
    assert.deepEqual(machine.frame(ETH0.index, REQUEST, due + 2), []);
  }
  assert.deepEqual(probedMs, [1005, 3006, 7007, 15_008, 25_009, 35_010, 45_011, 55_012]);
  assert.deepEqual(reportedMs, [5, 15_009, 25_010, 35_011, 45_012, 55_013]);
  const quiet = ranWords(machine, 66_000).filter(([, words]) => words.includes('request 192.0.2.10'));
  assert.equal(quiet[0]?.[0], 65_313, 'announced 300 ms after the first probe without answer');
});

test('A probe of somebody else for the address that we probe for is no conflict: members may do so at the same time', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4, { probe: true }), answerFor(VIP6, { probe: true })], 0);
  machine.frame(ETH0.index, encodeArpProbe(OTHER_MAC, VIP4_OCTETS), 5);
  machine.frame(ETH0.index, encodeDuplicateDetection(OTHER_MAC, VIP6_OCTETS), 5);
  runUntil(machine, 310);
  assert.equal(machine.frame(ETH0.index, REQUEST, 311).length, 1);
  assert.equal(machine.frame(ETH0.index, SOLICITATION, 311).length, 1);
});

test('A probe that is under way, or was answered by another station, is not given up because answers say it no longer', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4, { probe: true }), answerFor(VIP6, { probe: true })], 0);
  machine.frame(ETH0.index, encodeUnsolicitedAdvertisement(OTHER6), 5);
  assert.deepEqual(machine.setAnswers([answerFor(VIP4), answerFor(VIP6)], 10), []);
  assert.deepEqual(machine.frame(ETH0.index, REQUEST, 11), []);
  runUntil(machine, 400);
  assert.equal(machine.frame(ETH0.index, REQUEST, 401).length, 1);
  assert.deepEqual(machine.frame(ETH0.index, SOLICITATION, 401), [], 'another station has it');
  runUntil(machine, 1400);
  assert.equal(machine.frame(ETH0.index, SOLICITATION, 1401).length, 1, 'and is gone');
});

test('Who is to leave a VIP before it was ever its own says nothing about it', () => {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers([answerFor(VIP4, { probe: true })], 0);
  machine.setAnswers([answerFor(VIP4, { leaving: true })], 10);
  assert.deepEqual(machine.frame(ETH0.index, REQUEST, 11), []);
  assert.deepEqual(runUntil(machine, 60_000), []);
});

test('A shared VIP that another station announces to all is reported, not defended: its other sharers would lose their clients', () => {
  const mode = { type: 'perClient', self: 'a', nodes: ['a', 'b'] } as const;
  const machine = settledMachine([answerFor(VIP4, { mode }), answerFor(VIP6, { mode })]);
  machine.frame(ETH0.index, encodeGratuitousRequest(OTHER4), NOW_MS);
  assert.deepEqual(ranWords(machine, NOW_MS + 60_000), [[NOW_MS + 500, `conflict ${VIP4} eth0 02:00:00:00:00:66`]]);
});

test('A shared VIP that a member defends against duplicate address detection is no conflict', () => {
  const mode = { type: 'perClient', self: 'a', nodes: ['a', 'b'] } as const;
  const machine = settledMachine([answerFor(VIP6, { mode })]);
  machine.frame(ETH0.index, encodeDuplicateDetection(CLIENT_MAC, VIP6_OCTETS), NOW_MS);
  machine.frame(ETH0.index, encodeUnsolicitedAdvertisement(OTHER6), NOW_MS + 1);
  assert.deepEqual(ranWords(machine, NOW_MS + 60_000), []);
  machine.frame(ETH0.index, encodeUnsolicitedAdvertisement(OTHER6), NOW_MS + 70_000);
  assert.equal(ranWords(machine, NOW_MS + 80_000).length, 1);
});

test('What a member claims before it has heard of us is no conflict: it is announced to again, and a claim after that is one', () => {
  const machine = settledMachine();
  machine.frame(ETH0.index, encodeGratuitousReply(OTHER4), NOW_MS);
  machine.setAnswers([answerFor(VIP4, { announcement: 1 }), answerFor(VIP6)], NOW_MS + 30);
  machine.frame(ETH0.index, encodeGratuitousReply(OTHER4), NOW_MS + 50);
  assert.deepEqual(ranWords(machine, NOW_MS + 20_000).filter(([, words]) => words.startsWith('conflict')), []);
  machine.frame(ETH0.index, encodeGratuitousReply(OTHER4), NOW_MS + 30_000);
  assert.deepEqual(ranWords(machine, NOW_MS + 40_000).map(([, words]) => words), DEFENDED4);
});
