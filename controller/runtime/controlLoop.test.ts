import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { NO_BGP } from '../announcer/bgp/bgpWanted.ts';
import { l4Key, type L4Listener, type L4Route } from '../../core/ir/l4.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { Snapshot, SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { VirtualHost } from '../../core/ir/virtualHost.ts';
import { silentLogger, type Logger } from '../../core/log/logger.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';
import { refOf, type ConfigMap } from '../model/objects.ts';
import type { ObjectIndex } from '../model/store.ts';
import type { ListenerOutcome } from '../processes/proxyListeners.ts';
import type { Source, SourceBatch } from '../sources/source.ts';
import type { Translate, Translation, TranslateOptions } from '../translate/translation.ts';
import { FakeSource } from './testing/fakeSource.ts';
import { createControlLoop, type ControlLoop, type ControlLoopOptions } from './controlLoop.ts';

/** Settings are passed through untouched here. */
const SETTINGS = {} as Snapshot['settings'];
const OPTIONS = {} as TranslateOptions;

/** An object that stands for one virtual host named after it. */
function host(name: string): ConfigMap {
  const metadata = { name, namespace: 'a', labels: new Map(), annotations: new Map(), createdAtMs: null, uid: '', resourceVersion: '' };
  return { kind: 'ConfigMap', metadata, origin: null, data: new Map() };
}

function problem(rule: string): Problem {
  return { severity: 'error', object: null, position: { file: 'a.yaml', line: 1 }, field: '', rule, value: '', effect: 'left out' };
}

const NO_L4 = { services: [], assignments: new Map(), assignmentChanges: [], pools: [], vipListeners: [], announcer: { ports: new Map(), vips: new Map(), nodes: new Map(), bgp: NO_BGP }, refusals: [], references: [], hosts: new Map() };

/** One virtual host per ConfigMap; `broken` throws. */
function translateHosts(objects: ObjectIndex): Translation {
  const names = [...objects.list('ConfigMap')].map((object) => object.metadata.name);
  if (names.includes('broken')) throw new Error('a fault of ours');
  const virtualHosts = new Map(names.map((name) => name as HostPattern).map((pattern): [HostPattern, VirtualHost] => [pattern, { host: pattern, routes: [] }]));
  const none = { clusters: new Map(), certificates: new Map(), serverNames: new Map(), l4Listeners: new Map(), passthrough: new Map() };
  const snapshot: Snapshot = { settings: SETTINGS, virtualHosts, ...none };
  return { ...NO_L4, snapshot, ingresses: [], problems: [] };
}

interface Bench {
  readonly loop: ControlLoop;
  readonly published: readonly SnapshotDelta[];
  readonly translations: () => number;
}

function bench(source: Source, logger: Logger = silentLogger, clock = { now: () => 0 }, parts: Partial<ControlLoopOptions> = {}): Bench {
  const published: SnapshotDelta[] = [];
  let translations = 0;
  const loop = createControlLoop({
    source,
    translate: (objects) => {
      translations += 1;
      return translateHosts(objects);
    },
    translateOptions: () => OPTIONS,
    assignments: { load: () => new Map(), save: () => {} },
    publish: (delta) => published.push(delta),
    wantListeners: () => {},
    onTranslated: () => {},
    clock,
    logger,
    ...parts,
  });
  return { loop, published, translations: () => translations };
}

function upserts(delta: SnapshotDelta | undefined): readonly string[] {
  return delta?.virtualHosts.upsert.map(([name]) => name) ?? [];
}

const CONFIG_REF = (name: string): ObjectRef => ({ kind: 'ConfigMap', namespace: 'a', name });

test('what the source has at its start is published as generation 1 when start resolves', async () => {
  const { loop, published } = bench(new FakeSource({ upserts: [host('a.test'), host('b.test')] }));
  await loop.start();
  assert.equal(published.length, 1);
  assert.equal(published[0]?.generation, 1);
  assert.deepEqual(upserts(published[0]), ['a.test', 'b.test']);
  assert.equal(loop.state().generation, 1);
  await loop.stop();
});

test('an empty source publishes too, so that workers have settings to serve by', async () => {
  const { loop, published } = bench(new FakeSource());
  await loop.start();
  assert.equal(published.length, 1);
  await loop.stop();
});

test('many batches in one window cost one translation, and only what changed is published', async (context) => {
  const source = new FakeSource({ upserts: [host('a.test')] });
  const { loop, published, translations } = bench(source);
  await loop.start();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  for (let index = 0; index < 1000; index += 1) source.send({ upserts: [host(`h${index}.test`)] });
  source.send({ deletes: [CONFIG_REF('a.test')] });
  assert.equal(translations(), 1);
  context.mock.timers.tick(10);
  assert.equal(translations(), 2);
  assert.equal(published.length, 2);
  assert.equal(upserts(published[1]).length, 1000);
  assert.deepEqual(published[1]?.virtualHosts.remove, ['a.test']);
  assert.equal(published[1]?.generation, 2);
  await loop.stop();
});

test('a change that alters nothing served publishes nothing and keeps the generation', async (context) => {
  const source = new FakeSource({ upserts: [host('a.test')] });
  const { loop, published, translations } = bench(source);
  await loop.start();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  source.send({ upserts: [host('a.test')] });
  context.mock.timers.tick(10);
  assert.equal(translations(), 2);
  assert.equal(published.length, 1);
  assert.equal(loop.state().generation, 1);
  await loop.stop();
});

test('what only the announcer has a part in makes a generation too, without anything for the proxy in it', async (context) => {
  const source = new FakeSource({ upserts: [host('a.test')] });
  let ports = new Map();
  const translate: Translate = (objects) => ({ ...translateHosts(objects), announcer: { ports, vips: new Map(), nodes: new Map(), bgp: NO_BGP } });
  const { loop, published } = bench(source, silentLogger, { now: () => 0 }, { translate });
  await loop.start();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const again = (): void => {
    source.send({ upserts: [host('a.test')] });
    context.mock.timers.tick(10);
  };
  again();
  assert.equal(published.length, 1);
  const port = { key: 'tcp/192.0.2.1:80', protocol: 'tcp', address: '192.0.2.1', port: 80, to: { type: 'proxy' }, sourceRanges: null };
  ports = new Map([[port.key, port]]);
  again();
  assert.equal(published.at(-1)?.generation, 2);
  assert.deepEqual(upserts(published.at(-1)), []);
  again();
  assert.equal(published.length, 2);
  await loop.stop();
});

test('after a slow translation the next one waits as long as it took; one that comes later does not wait', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  // Start and end of the first translation, then the time of each change and of what it causes.
  const readings = [0, 400, 500, 800, 1200, 5000];
  const source = new FakeSource();
  const { loop, translations } = bench(source, silentLogger, { now: () => readings.shift() ?? 5000 });
  await loop.start();
  source.send({ upserts: [host('a.test')] });
  context.mock.timers.tick(299);
  assert.equal(translations(), 1);
  context.mock.timers.tick(1);
  assert.equal(translations(), 2);
  source.send({ upserts: [host('b.test')] });
  context.mock.timers.tick(10);
  assert.equal(translations(), 3);
  await loop.stop();
});

test('a translation that throws keeps what is served, is a problem, and heals with the next change', async (context) => {
  const logger = { ...silentLogger, error: mock.fn() };
  const source = new FakeSource({ upserts: [host('a.test')] });
  const { loop, published } = bench(source, logger);
  await loop.start();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  source.send({ upserts: [host('broken')] });
  context.mock.timers.tick(10);
  assert.equal(published.length, 1);
  assert.ok(loop.state().snapshot?.virtualHosts.has('a.test' as HostPattern));
  assert.match(loop.state().problems[0]?.rule ?? '', /translation failed: a fault of ours/);
  assert.match(String(logger.error.mock.calls[0]?.arguments[0]), /translation failed/);
  source.send({ upserts: [host('b.test')], deletes: [CONFIG_REF('broken')] });
  context.mock.timers.tick(10);
  assert.deepEqual(upserts(published[1]), ['b.test']);
  assert.deepEqual(loop.state().problems, []);
  await loop.stop();
});

test('a first translation that throws leaves the loop running without a snapshot', async (context) => {
  const source = new FakeSource({ upserts: [host('broken')] });
  const { loop, published } = bench(source);
  await loop.start();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  assert.equal(loop.state().snapshot, null);
  source.send({ deletes: [CONFIG_REF('broken')] });
  context.mock.timers.tick(10);
  assert.equal(published.length, 1);
  await loop.stop();
});

test('problems are logged once when they appear and once when they go', async (context) => {
  const logger = { ...silentLogger, error: mock.fn(), info: mock.fn() };
  const source = new FakeSource({ problems: [problem('must be whole')] });
  const { loop } = bench(source, logger);
  await loop.start();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const batches = [[problem('must be whole')], [{ ...problem('must be whole'), position: { file: 'a.yaml', line: 9 } }], []];
  for (const problems of batches) {
    source.send({ problems });
    context.mock.timers.tick(10);
  }
  assert.equal(logger.error.mock.callCount(), 1);
  assert.equal(logger.info.mock.callCount(), 1);
  assert.match(JSON.stringify(logger.error.mock.calls[0]?.arguments), /must be whole/);
  assert.match(JSON.stringify(logger.info.mock.calls[0]?.arguments), /solved: .*must be whole/);
  await loop.stop();
});

test('once an hour everything is translated again, because certificates expire by themselves', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { loop, translations } = bench(new FakeSource());
  await loop.start();
  context.mock.timers.tick(3_600_000);
  context.mock.timers.tick(10);
  assert.equal(translations(), 2);
  await loop.stop();
});

test('after stop nothing is translated any more, and stopping again does nothing', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const source = new FakeSource();
  const { loop, translations } = bench(source);
  await loop.start();
  source.send({ upserts: [host('a.test')] });
  await loop.stop();
  await loop.stop();
  source.send({ upserts: [host('b.test')] });
  context.mock.timers.tick(7_200_000);
  assert.equal(translations(), 1);
  assert.equal(source.stops, 1);
});

test('a source that cannot start fails the start', async () => {
  const source = new FakeSource();
  source.start = () => Promise.reject(new Error('no such folder'));
  const { loop } = bench(source);
  await assert.rejects(loop.start(), /no such folder/);
  await loop.stop();
});

const DNS = l4Key('udp', '127.77.0.1', 53);
const OPEN: ListenerOutcome = { type: 'open', listener: { protocol: 'udp', address: '127.77.0.1', port: 53 }, port: 53 };

/** One UDP listener for each ConfigMap named `dns`, owned by it. */
function translateListeners(objects: ObjectIndex): Translation {
  const translation = translateHosts(objects);
  const owner = [...objects.list('ConfigMap')].find(({ metadata }) => metadata.name === 'dns');
  if (owner === undefined) return translation;
  const route = { owner: refOf(owner), field: 'data[53]', targets: [] } as unknown as L4Route;
  const listener: L4Listener = { key: DNS, protocol: 'udp', address: '127.77.0.1', port: 53, route };
  return { ...translation, snapshot: { ...translation.snapshot, l4Listeners: new Map([[DNS, listener]]) } };
}

test('ports are wanted with the generation that says what they are for, VIPs of HTTP listeners among them', async () => {
  const wanted: unknown[] = [];
  const vip = { protocol: 'http', address: '127.77.0.2', port: 80 } as const;
  const { loop } = bench(new FakeSource({ upserts: [host('dns')] }), silentLogger, { now: () => 0 }, {
    translate: (objects) => ({ ...translateListeners(objects), vipListeners: [vip] }),
    wantListeners: (listeners, generation) => wanted.push([listeners, generation]),
  });
  await loop.start();
  assert.deepEqual(wanted, [[[vip, OPEN.listener], 1]]);
  await loop.stop();
});

test('a listener is served until its port is closed, and goes from the snapshot then', async (context) => {
  const source = new FakeSource({ upserts: [host('dns')] });
  const { loop, published } = bench(source, silentLogger, { now: () => 0 }, { translate: translateListeners });
  await loop.start();
  loop.listened([OPEN]);
  assert.equal(published.length, 1);
  context.mock.timers.enable({ apis: ['setTimeout'] });
  source.send({ deletes: [CONFIG_REF('dns')] });
  context.mock.timers.tick(10);
  assert.deepEqual(published[1]?.l4Listeners, { upsert: [], remove: [] });
  loop.listened([]);
  assert.deepEqual(published[2]?.l4Listeners.remove, [DNS]);
  assert.equal(loop.state().generation, 3);
  await loop.stop();
});

test('a port that cannot be opened is a problem of the object that asked for it, until it can', async () => {
  const { loop } = bench(new FakeSource({ upserts: [host('dns')] }), silentLogger, { now: () => 0 }, { translate: translateListeners });
  await loop.start();
  const error = new Error('cannot bind 127.77.0.1:53: EACCES; needs root');
  loop.listened([{ type: 'failed', listener: OPEN.listener, error }]);
  assert.deepEqual(loop.state().problems.map(({ object, field, rule, value }) => ({ object, field, rule, value })), [{
    object: { kind: 'ConfigMap', namespace: 'a', name: 'dns' },
    field: 'data[53]',
    rule: 'needs its port to be opened: cannot bind: EACCES; needs root',
    value: '"udp/127.77.0.1:53"',
  }]);
  loop.listened([OPEN]);
  assert.deepEqual(loop.state().problems, []);
  await loop.stop();
});

test('assignments are loaded before the first translation, given to each next one, and saved after each', async (context) => {
  const kept = new Map([['a/dns', { addresses: ['127.77.0.1'], pool: 'lan' }]]);
  const given: unknown[] = [];
  const saved: unknown[] = [];
  const next = new Map([['a/dns', { addresses: ['127.77.0.2'], pool: 'lan' }]]);
  const source = new FakeSource();
  const { loop } = bench(source, silentLogger, { now: () => 0 }, {
    assignments: { load: () => kept, save: (assignments) => saved.push(assignments) },
    translateOptions: (assignments) => {
      given.push(assignments);
      return OPTIONS;
    },
    translate: (objects) => ({ ...translateHosts(objects), assignments: next }),
  });
  await loop.start();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  loop.refresh();
  context.mock.timers.tick(10);
  assert.deepEqual(given, [kept, next]);
  assert.deepEqual(saved, [next, next]);
  await loop.stop();
});

/** A source that knows objects by name only once they have been fetched; `answer` ends the fetch under way. */
class NamingSource extends FakeSource {
  readonly asked: string[][] = [];
  readonly #known = new Set<string>();
  #fetch: PromiseWithResolvers<void> | null = null;

  want(refs: readonly ObjectRef[]): Promise<void> | null {
    const missing = refs.map(({ name }) => name).filter((name) => !this.#known.has(name));
    if (missing.length === 0) return null;
    this.asked.push(missing);
    this.#fetch ??= Promise.withResolvers();
    return this.#fetch.promise;
  }

  async answer(batch: Partial<SourceBatch>, ...names: readonly string[]): Promise<void> {
    for (const name of names) this.#known.add(name);
    this.send(batch);
    const fetch = this.#fetch;
    this.#fetch = null;
    fetch?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Like translateHosts; `a.test` refers to the Secret `a`, and so on. */
function translateNaming(objects: ObjectIndex): Translation {
  const translation = translateHosts(objects);
  const references = [...translation.snapshot.virtualHosts.keys()].map((name) => ({ kind: 'Secret', namespace: 'a', name: name.slice(0, 1) }));
  return { ...translation, references };
}

test('nothing is published before the objects that the first ones refer to are known', async () => {
  const source = new NamingSource({ upserts: [host('a.test')] });
  const { loop, published } = bench(source, silentLogger, { now: () => 0 }, { translate: translateNaming });
  const starting = loop.start();
  await Promise.resolve();
  assert.deepEqual([published.length, source.asked], [0, [['a']]]);
  await source.answer({ upserts: [host('b.test')] }, 'a');
  assert.equal(published.length, 0, 'what was fetched refers to b');
  await source.answer({}, 'b');
  await starting;
  assert.deepEqual(published.map(upserts), [['a.test', 'b.test']]);
  await loop.stop();
});

test('a change that refers to an object not known yet waits for it, and what is served stays meanwhile', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const source = new NamingSource();
  const { loop, published } = bench(source, silentLogger, { now: () => 0 }, { translate: translateNaming });
  await loop.start();
  source.send({ upserts: [host('a.test')] });
  context.mock.timers.tick(10);
  source.send({ upserts: [host('b.test')] });
  context.mock.timers.tick(10);
  assert.deepEqual([published.length, loop.state().generation], [1, 1]);
  await source.answer({}, 'a', 'b');
  context.mock.timers.tick(10);
  assert.deepEqual(upserts(published[1]), ['a.test', 'b.test']);
  await loop.stop();
});

test('a change waits ten seconds at most for what it refers to', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  let nowMs = 0;
  const source = new NamingSource();
  const { loop, published } = bench(source, silentLogger, { now: () => nowMs }, { translate: translateNaming });
  await loop.start();
  source.send({ upserts: [host('a.test')] });
  context.mock.timers.tick(10);
  nowMs = 10_001;
  source.send({ upserts: [host('b.test')] });
  context.mock.timers.tick(10);
  assert.deepEqual(upserts(published[1]), ['a.test', 'b.test']);
  await loop.stop();
});

test('objects that are merely newer are stored and told, and nothing is translated', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const told: number[] = [];
  const source = new FakeSource({ upserts: [host('a.test')] });
  const { loop, translations } = bench(source, silentLogger, { now: () => 0 }, { onState: ({ generation }) => told.push(generation) });
  await loop.start();
  const before = host('a.test');
  const newer = { ...before, metadata: { ...before.metadata, resourceVersion: '7' } };
  source.send({ refreshed: [newer] });
  source.send({ refreshed: [newer] });
  context.mock.timers.tick(1000);
  assert.equal(translations(), 1);
  assert.deepEqual(told, [1, 1], 'what comes together is told once');
  assert.equal(loop.state().objects.get('ConfigMap', 'a', 'a.test')?.metadata.resourceVersion, '7');
  await loop.stop();
});

test('changes of addresses are told once, and logged once by who reads them from the statuses each time', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const told: number[] = [];
  const logger = { ...silentLogger, info: mock.fn() };
  const source = new FakeSource();
  const change = { service: 'a/a', before: [], after: ['192.0.2.1'], cause: 'new' } as const;
  const assignments = new Map([['a/a', { addresses: ['192.0.2.1'], pool: 'lan' }]]);
  const parts: Partial<ControlLoopOptions> = {
    translate: (objects) => ({ ...translateHosts(objects), assignments, assignmentChanges: [change] }),
    onState: ({ assignmentChanges }) => told.push(assignmentChanges.length),
  };
  const { loop } = bench(source, logger, { now: () => 0 }, parts);
  await loop.start();
  source.send({ refreshed: [host('a.test')] });
  context.mock.timers.tick(250);
  loop.listened([]);
  assert.deepEqual(told, [1, 0, 0]);
  source.send({ upserts: [host('a.test')] });
  context.mock.timers.tick(10);
  assert.equal(logger.info.mock.callCount(), 1);
  await loop.stop();
});
