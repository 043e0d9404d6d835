import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../core/log/logger.ts';
import { until } from '../../test/support/until.ts';
import { createAnnouncerHost } from './announcerHost.ts';
import { forwardedPort, reportOf, SETTINGS, vip, wantedOf } from './testing/announcerFacts.ts';
import type { Host } from './announcerLife.ts';
import type { AnnouncerParts, PartEvents } from './announcerParts.ts';
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
      proxyHealth: { told: ({ serving }) => { machine.serves = serving; }, orphaned: (ports) => void note(`orphaned with ${ports.length}`), serves: () => machine.serves },
      clock: monotonicClock,
      wallClock: { now: () => 1_000_000 },
    };
  };
  const host = createAnnouncerHost({
    settings: SETTINGS, logger: silentLogger, inherited,
    createParts: (_settings, _logger, partEvents) => createParts(partEvents),
    report: (report) => { reports.push(report); },
    event: (event) => { events.push(event); },
    leaseWishes: (next) => { wishes.push(next); },
    failed: (error) => { failures.push(error); },
  });
  t.after(() => host.abandon());
  const partsOf = (): PartEvents => {
    if (parts === null) throw new Error('no parts were made');
    return parts;
  };
  return { host, done, failures, reports, events, wishes, answers: () => answers, state: () => state, parts: partsOf, machine };
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
  assert.deepEqual(events.map(({ type, address }) => ({ type, address })), [{ type: 'moved', address: ADDRESS }]);
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

test('stopping leaves the membership, then answers nothing, then ends, and the kernel last', async (t) => {
  const { host, done, answers } = await startOwning(t);
  const before = done.length;
  await host.stop(true);
  assert.deepEqual(answers(), []);
  assert.deepEqual(done.slice(before), ['leave', 'hush', 'watch no more', 'kernel stop true']);
});

test('stopping what was never started only clears the kernel', async (t) => {
  const { host, done } = createHost(t);
  await host.stop(true);
  assert.deepEqual(done, ['hush', 'watch no more', 'kernel stop true']);
});

test('yielding vanishes without a word and goes on answering, until it is abandoned', async (t) => {
  const { host, done, answers, reports, parts, machine } = await startOwning(t);
  await until('it has reported', () => reports.at(-1)?.vips[0]?.owner === 'a');
  const before = done.length;
  const report = await host.yield();
  assert.equal(report?.vips[0]?.owner, 'a');
  assert.deepEqual(done.slice(before), ['watch no more', 'vanish', 'kernel stop false']);
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
  parts().conflict({ address: ADDRESS, interface: 'eth0', mac: '02:00:00:00:00:99', defended: true });
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
