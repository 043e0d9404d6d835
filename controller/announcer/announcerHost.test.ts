import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../core/log/logger.ts';
import { until } from '../../test/support/until.ts';
import { createAnnouncerHost } from './announcerHost.ts';
import { forwardedPort, reportOf, SETTINGS, vip, wantedOf } from './testing/announcerFacts.ts';
import type { Host } from './announcerLife.ts';
import type { AnnouncerParts, PartEvents } from './announcerParts.ts';
import { NO_BGP_REPORT, type BgpReport } from './bgp/bgpReport.ts';
import { monotonicClock } from '../../core/time/clock.ts';
import type { LeaseWishes } from './leases.ts';
import type { L2Answer, Link, MemberState } from './parts.ts';
import type { AnnouncerEvent, AnnouncerReport, KernelReport } from './report.ts';

const ADDRESS = '192.0.2.10';
const ETH0: Link = {
  index: 2, name: 'eth0', mac: '02:00:00:00:00:01', up: true, loopback: false, noArp: false, broadcast: true, master: null, kind: '',
  addresses: [{ address: '192.0.2.1', prefixLength: 24, usable: true }],
};
const PROGRAMMED: KernelReport = { programmed: true, ports: 1, problems: [] };

interface TestHost {
  readonly host: Host;
  /** What the parts were asked to do, in order. */
  readonly done: string[];
  readonly failures: unknown[];
  readonly reports: AnnouncerReport[];
  readonly events: AnnouncerEvent[];
  readonly wishes: LeaseWishes[];
  /** What the BGP speaker was told last, what it finds wrong, and what was reported of it. */
  readonly bgp: {
    peers: number; serving: boolean; forwarded: readonly string[]; links: number; alive: readonly string[]; restarting: boolean;
    problems: readonly string[]; readonly reports: BgpReport[];
  };
  readonly answers: () => readonly L2Answer[];
  readonly state: () => MemberState | null;
  readonly parts: () => PartEvents;
  /** What the machine is like; changes are seen with the next event or look. */
  readonly machine: { links: readonly Link[]; serves: boolean; others: readonly string[]; refutations: number; kernel: Promise<KernelReport>; joining: Promise<void> };
}

/** A host whose parts only remember. */
function createHost(t: TestContext, inherited: AnnouncerReport | null = null): TestHost {
  const done: string[] = [];
  const [failures, reports, events]: [unknown[], AnnouncerReport[], AnnouncerEvent[]] = [[], [], []];
  const wishes: LeaseWishes[] = [];
  const machine: TestHost['machine'] = {
    links: [ETH0], serves: false, others: [], refutations: 0, kernel: Promise.resolve(PROGRAMMED), joining: Promise.resolve(),
  };
  const bgp: TestHost['bgp'] = { peers: 0, serving: false, forwarded: [], links: 0, alive: [], restarting: false, problems: [], reports: [] };
  let answers: readonly L2Answer[] = [];
  let state: MemberState | null = null;
  let parts: PartEvents | null = null;
  const note = async (entry: string): Promise<void> => { done.push(entry); };
  const memberStates = (): ReadonlyMap<string, MemberState> =>
    new Map(machine.others.map((node) => [node, { serving: true, unable: [], held: [] }]));
  const createParts = (partEvents: PartEvents): AnnouncerParts => {
    parts = partEvents;
    return {
      interfaces: { start: () => note('watch'), stop: () => void note('watch no more'), links: () => machine.links, routeTo: () => null },
      kernel: {
        apply: async (ports) => {
          await note(`program ${ports.size}`);
          return await machine.kernel;
        },
        stop: (forGood) => note(`kernel stop ${forGood}`),
      },
      membership: {
        start: async () => {
          await note('join');
          await machine.joining;
        },
        stop: () => note('leave'),
        abandon: () => note('vanish'),
        refresh: () => void note('refresh'),
        setNodes: (nodes) => void note(`nodes ${[...nodes.keys()].join(' ')}`),
        setState: (next) => { state = next; },
        alive: memberStates,
        members: () => machine.others.map((node) => ({ node, address: '192.0.2.9', state: 'alive', sinceMs: 1, serving: true })),
        troubles: () => ({ doubt: null, problems: [] }),
        counts: () => ({ refutations: machine.refutations }) as ReturnType<AnnouncerParts['membership']['counts']>,
      },
      speaker: {
        start: () => note('speak'),
        setAnswers: (next) => { answers = next; },
        setRights: (rights) => void note(`rights ${[...rights.keys()].join(' ')}`),
        linksChanged: (links) => void note(`links ${links.map(({ name }) => name).join(' ')}`),
        counts: async () => new Map([[ADDRESS, { requestsReceived: 3, repliesSent: 2, gratuitousSent: 1, conflictsSeen: 0 }]]),
        stop: () => note('hush'),
      },
      bgp: {
        start: () => note('bgp'),
        want: ({ peers }) => { bgp.peers = peers.size; },
        setServing: (serving) => { bgp.serving = serving; },
        setForwarded: (addresses) => { bgp.forwarded = [...addresses]; },
        linksChanged: (links) => { bgp.links = links.length; },
        setAlive: (nodes) => { bgp.alive = [...nodes]; },
        report: () => ({ ...NO_BGP_REPORT, problems: bgp.problems }),
        stop: (forGood) => note(`bgp stop ${forGood}`),
        abandon: () => void note('bgp abandon'),
      },
      proxyHealth: { told: ({ serving }) => { machine.serves = serving; }, orphaned: (ports) => void note(`orphaned with ${ports.length}`), serves: () => machine.serves },
      clock: monotonicClock,
      wallClock: { now: () => 1_000_000 },
    };
  };
  const host = createAnnouncerHost({
    settings: SETTINGS, logger: silentLogger, inherited,
    createParts: (_settings, { events: partEvents, restarting }) => {
      bgp.restarting = restarting;
      return createParts(partEvents);
    },
    report: (report) => { reports.push(report); },
    bgpReport: (report) => { bgp.reports.push(report); },
    event: (event) => { events.push(event); },
    leaseWishes: (next) => { wishes.push(next); },
    failed: (error) => { failures.push(error); },
  });
  t.after(() => host.abandon());
  const partsOf = (): PartEvents => {
    if (parts === null) throw new Error('no parts were made');
    return parts;
  };
  return { host, done, failures, reports, events, wishes, bgp, answers: () => answers, state: () => state, parts: partsOf, machine };
}

const WANTED = { generation: 1, wanted: wantedOf([vip(ADDRESS)], [forwardedPort(ADDRESS, { address: '192.0.2.1', port: 8080 })]) };

async function startOwning(t: TestContext): Promise<TestHost> {
  const started = createHost(t);
  await started.host.start(WANTED);
  await until('it answers', () => started.answers().length > 0);
  return started;
}

test('a host programs the kernel, joins, answers for what it owns and reports it', async (t) => {
  const { done, answers, reports, events, failures } = await startOwning(t);
  assert.deepEqual(done.slice(0, 7), ['speak', 'watch', 'links eth0', 'refresh', 'program 1', 'nodes a', 'join']);
  assert.deepEqual(answers().map(({ address, interfaces }) => ({ address, names: interfaces.map(({ name }) => name) })), [{ address: ADDRESS, names: ['eth0'] }]);
  await until('it has reported', () => reports.at(-1)?.vips[0]?.owner === 'a' && reports.at(-1)?.kernel.programmed === true);
  assert.deepEqual(events.map((event) => (event.type === 'moved' ? event.address : event.type)), [ADDRESS]);
  assert.deepEqual(failures, []);
});

test('who carries on answers before anybody else was heard and before the kernel was told anything', async (t) => {
  const carrying = createHost(t, reportOf(ADDRESS));
  carrying.machine.kernel = new Promise(() => {});
  carrying.machine.joining = new Promise(() => {});
  await carrying.host.start(WANTED);
  assert.deepEqual(carrying.answers().map(({ address }) => address), [ADDRESS]);
  assert.deepEqual(carrying.events, []);
});

test('BGP is led by what is wanted, the proxy, the kernel, the interfaces and the members, and what it reports is told', async (t) => {
  const { host, bgp, machine, parts, done } = await startOwning(t);
  await until('the kernel has answered', () => done.includes('bgp'));
  assert.deepEqual({ peers: bgp.peers, links: bgp.links, forwarded: bgp.forwarded, restarting: bgp.restarting }, { peers: 0, links: 1, forwarded: [ADDRESS], restarting: false });
  host.setProxy({ pid: 1, serving: true });
  assert.equal(bgp.serving, true);
  machine.others = ['b'];
  parts().membersChanged();
  assert.deepEqual(bgp.alive, ['b']);
  bgp.problems = ['port 179 is taken'];
  parts().bgp.changed();
  await until('it is reported', () => bgp.reports.length === 1);
  assert.deepEqual(bgp.reports, [{ ...NO_BGP_REPORT, problems: ['port 179 is taken'] }]);
});

test('BGP says nothing before the kernel has answered, and knows that it carries on', async (t) => {
  const carrying = createHost(t, reportOf(ADDRESS));
  const kernel = Promise.withResolvers<KernelReport>();
  carrying.machine.kernel = kernel.promise;
  await carrying.host.start(WANTED);
  assert.equal(carrying.bgp.restarting, true);
  assert.equal(carrying.done.includes('bgp'), false);
  kernel.resolve(PROGRAMMED);
  await until('it speaks', () => carrying.done.includes('bgp'));
});

test('stopping leaves the membership, then answers nothing, then ends, and the kernel last', async (t) => {
  const { host, done, answers } = await startOwning(t);
  const before = done.length;
  await host.stop(true);
  assert.deepEqual(answers(), []);
  assert.deepEqual(done.slice(before), ['bgp stop true', 'leave', 'hush', 'watch no more', 'kernel stop true']);
});

test('stopping what was never started only clears the kernel', async (t) => {
  const { host, done } = createHost(t);
  await host.stop(true);
  assert.deepEqual(done, ['bgp stop true', 'hush', 'watch no more', 'kernel stop true']);
});

test('yielding vanishes without a word and goes on answering, until it is abandoned', async (t) => {
  const { host, done, answers, reports, parts, machine } = await startOwning(t);
  await until('it has reported', () => reports.at(-1)?.vips[0]?.owner === 'a');
  const before = done.length;
  const report = await host.yield();
  assert.equal(report?.vips[0]?.owner, 'a');
  assert.deepEqual(done.slice(before), ['bgp abandon', 'watch no more', 'vanish', 'kernel stop false']);
  machine.links = [];
  parts().interfacesChanged();
  parts().membersChanged();
  assert.equal(answers().length, 1);
  await host.abandon();
  assert.equal(done.at(-1), 'hush');
});

test('an interface that goes away ends answers there; one that comes back has the members asked anew', async (t) => {
  const { done, answers, parts, machine } = await startOwning(t);
  machine.links = [{ ...ETH0, up: false }];
  parts().interfacesChanged();
  assert.deepEqual(answers().flatMap(({ interfaces }) => interfaces), []);
  const before = done.length;
  machine.links = [ETH0];
  parts().interfacesChanged();
  assert.equal(answers()[0]?.interfaces.length, 1);
  assert.deepEqual(done.slice(before), ['links eth0', 'refresh']);
});

test('a proxy that ends is seen without being told of, and told to the others', async (t) => {
  const { host, state, machine } = await startOwning(t);
  assert.equal(state()?.serving, false);
  host.setProxy({ pid: 7, serving: true });
  assert.equal(state()?.serving, true);
  machine.serves = false;
  await until('the others are told', () => state()?.serving === false);
});

test('frames are counted in reports, conflicts are told as events, and the kernel may report by itself', async (t) => {
  const { reports, events, parts } = await startOwning(t);
  parts().conflict({ address: ADDRESS, interface: 'eth0', mac: '02:00:00:00:00:99', defended: true, atMs: Date.now() });
  assert.equal(events.at(-1)?.type, 'conflict');
  parts().kernelReported({ programmed: true, ports: 1, problems: ['A table was taken away.'] });
  await until('all of it is reported', () => {
    const last = reports.at(-1);
    return last?.vips[0]?.frames.repliesSent === 2 && last.vips[0].conflicts.length === 1 && last.kernel.problems.length === 1;
  });
});

test('an orphan looks for the TCP ports of the proxy', async (t) => {
  const { host, done } = await startOwning(t);
  const port = { ...forwardedPort('192.0.2.11', { address: '192.0.2.1', port: 1 }), to: { type: 'proxy' } } as const;
  host.want({ generation: 2, wanted: wantedOf([vip(ADDRESS)], [port]) });
  host.orphaned();
  assert.equal(done.at(-1), 'orphaned with 1');
});

test('a membership that cannot start is a fault', async (t) => {
  const failing = createHost(t);
  const error = new Error('EADDRINUSE');
  failing.machine.joining = Promise.reject(error);
  await failing.host.start(WANTED);
  await until('it is told', () => failing.failures.length > 0);
  assert.deepEqual(failing.failures, [error]);
});
