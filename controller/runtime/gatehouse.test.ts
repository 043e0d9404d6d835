import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { NO_BGP_REPORT } from '../announcer/bgp/bgpReport.ts';
import { NO_BGP } from '../announcer/bgp/bgpWanted.ts';
import type { ListenerAddress } from '../../core/ipc/messages.ts';
import type { EndpointView, Explanation } from '../../core/ipc/views.ts';
import type { Snapshot, SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { AnnouncerReport } from '../announcer/report.ts';
import { ALWAYS_LEADER } from '../election/leadership.ts';
import { silentLogger } from '../../core/log/logger.ts';
import { MetricsHub } from '../metrics/metricsHub.ts';
import type { ListenerOutcome } from '../processes/proxyListeners.ts';
import type { ProxyProcessEvents } from '../processes/proxyProcess.ts';
import type { Source } from '../sources/source.ts';
import type { StatusView } from '../status/statusView.ts';
import type { TranslateOptions } from '../translate/translation.ts';
import type { AnnouncerControlEvents } from './announcerControl.ts';
import { createGatehouse, type Companion, type Gatehouse, type GatehouseParts, type KnownFacts } from './gatehouse.ts';
import { printListenAddress } from './listenAddress.ts';
import type { ProxyControl } from './proxyControl.ts';
import { runUntilStopped } from './runUntilStopped.ts';

const SNAPSHOT: Snapshot = {
  settings: {} as Snapshot['settings'],
  virtualHosts: new Map(),
  clusters: new Map(),
  certificates: new Map(),
  serverNames: new Map(),
  l4Listeners: new Map(),
  passthrough: new Map(),
};

const NO_L4 = { services: [], assignments: new Map(), assignmentChanges: [], pools: [], vipListeners: [], announcer: { ports: new Map(), vips: new Map(), nodes: new Map(), bgp: NO_BGP }, refusals: [], references: [], hosts: new Map() };

const EXPLANATION: Explanation = { steps: [], ingress: null, field: null, cluster: null, endpoint: null, status: 404 };

/** Does what it is told and remembers it; the test speaks for its process through `events`. */
class FakeProxy implements ProxyControl {
  readonly events: ProxyProcessEvents;
  readonly applied: SnapshotDelta[] = [];
  readonly calls: string[];
  readonly listeners = [{ protocol: 'http', address: '127.0.0.1', port: 4711 }] as const;
  readonly pid = null;
  readonly drained = Promise.withResolvers<{ cutConnections: number }>();
  fault: Error | null = null;

  constructor(events: ProxyProcessEvents, calls: string[]) {
    this.events = events;
    this.calls = calls;
  }

  start(): Promise<void> {
    this.calls.push('proxy start');
    return this.fault === null ? Promise.resolve() : Promise.reject(this.fault);
  }

  apply(delta: SnapshotDelta): void {
    this.calls.push(`apply ${delta.generation}`);
    this.applied.push(delta);
  }

  setListeners(wanted: readonly ListenerAddress[]): Promise<readonly ListenerOutcome[]> {
    this.calls.push(`listen on ${wanted.length}`);
    return Promise.resolve(wanted.map((listener) => ({ type: 'open', listener, port: listener.port })));
  }

  explain(): Promise<Explanation> {
    return this.fault === null ? Promise.resolve(EXPLANATION) : Promise.reject(this.fault);
  }

  collect(): Promise<readonly EndpointView[]> {
    const counters = [{ family: 'gatehouse_client_connections_total', labels: ['http'], value: 5 }];
    this.events.metrics({ worker: '0', counters, histograms: [], gauges: [] });
    return this.fault === null ? Promise.resolve([]) : Promise.reject(this.fault);
  }

  drain(timeoutMs: number): Promise<{ cutConnections: number }> {
    this.calls.push(`drain ${timeoutMs}`);
    return this.drained.promise;
  }
}

interface Bench {
  readonly gatehouse: Gatehouse;
  readonly proxy: FakeProxy;
  readonly calls: readonly string[];
}

function bench(source: Partial<Source> = {}, changes: Partial<GatehouseParts> = {}): Bench {
  const calls: string[] = [];
  let proxy: FakeProxy | undefined;
  const parts: GatehouseParts = {
    source: {
      start: (onBatch) => {
        calls.push('source start');
        onBatch({ upserts: [], deletes: [], problems: [] });
        return Promise.resolve();
      },
      stop: () => {
        calls.push('source stop');
        return Promise.resolve();
      },
      ...source,
    },
    leadership: ALWAYS_LEADER,
    elects: false,
    waitingFor: () => [],
    published: { fixed: [], ownService: null },
    companions: [],
    translate: () => ({ ...NO_L4, snapshot: SNAPSHOT, ingresses: [], problems: [] }),
    translateOptions: () => ({}) as TranslateOptions,
    createAnnouncer: null,
    announcesAlways: false,
    createProxy: (events) => (proxy = new FakeProxy(events, calls)),
    metrics: new MetricsHub(),
    assignments: { load: () => new Map(), save: () => {}, flush: () => Promise.resolve() },
    localAddresses: () => ['127.0.0.1', '192.0.2.1'],
    machineAddresses: () => ['192.0.2.1'],
    logger: silentLogger,
    ...changes,
  };
  const options = { version: '1.2.3', nodeName: 'one', publishService: null, admin: { address: '127.0.0.1', port: 0 }, drainTimeoutMs: 1234 };
  const gatehouse = createGatehouse(options, parts);
  return { gatehouse, proxy: proxy ?? assert.fail('no proxy was made'), calls };
}

/** Starts, and gives the base URL of the admin API. */
async function started(gatehouse: Gatehouse): Promise<string> {
  const { admin } = await gatehouse.start();
  return `http://${printListenAddress(admin)}`;
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

test('ports are opened before objects are read, and the first snapshot follows', async () => {
  const { gatehouse, proxy, calls } = bench();
  const { listeners } = await gatehouse.start();
  assert.deepEqual(calls, ['proxy start', 'source start', 'apply 1']);
  assert.deepEqual(listeners, proxy.listeners);
  proxy.drained.resolve({ cutConnections: 0 });
  await gatehouse.stop();
});

test('it is ready when the first snapshot serves on every worker, and not while the proxy is being replaced', async () => {
  const { gatehouse, proxy } = bench();
  const url = await started(gatehouse);
  assert.equal(await statusOf(`${url}/readyz`), 503);
  proxy.events.applied(1);
  assert.equal(await statusOf(`${url}/readyz`), 503);
  proxy.events.serving();
  await gatehouse.ready();
  assert.equal(await statusOf(`${url}/readyz`), 200);
  proxy.events.exited({ code: null, signal: 'SIGKILL', error: null, restartInMs: 0 });
  assert.equal(await statusOf(`${url}/readyz`), 503);
  assert.equal(await statusOf(`${url}/healthz`), 200);
  proxy.events.serving();
  proxy.events.applied(1);
  assert.equal(await statusOf(`${url}/readyz`), 200);
  proxy.drained.resolve({ cutConnections: 0 });
  await gatehouse.stop();
});

test('status tells generations, listeners and this node', async () => {
  const { gatehouse, proxy } = bench();
  const url = await started(gatehouse);
  proxy.events.serving();
  proxy.events.applied(1);
  const status = await (await fetch(`${url}/api/v1/status`)).json() as StatusView;
  assert.deepEqual(status, {
    version: '1.2.3',
    ready: true,
    generation: 1,
    appliedGeneration: 1,
    waitingFor: [],
    leader: null,
    listeners: [{ protocol: 'http', address: '127.0.0.1', port: 4711 }],
    nodes: [{ name: 'one', addresses: ['192.0.2.1'], self: true }],
    services: [],
    ingresses: [],
    problems: [],
  });
  proxy.drained.resolve({ cutConnections: 0 });
  await gatehouse.stop();
});

test('metrics are collected from the proxy first, and are there when it does not answer', async () => {
  const { gatehouse, proxy } = bench();
  const url = await started(gatehouse);
  const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
  assert.match(await metrics(), /^gatehouse_client_connections_total\{.*\} 5$/m);
  proxy.fault = new Error('gone');
  const text = await metrics();
  assert.match(text, /^gatehouse_client_connections_total\{.*\} 10$/m);
  assert.match(text, /^gatehouse_controller_generation 1$/m);
  assert.match(text, /^gatehouse_services_pending 0$/m);
  assert.match(text, /^gatehouse_controller_translate_duration_seconds_count 1$/m);
  assert.equal(await statusOf(`${url}/api/v1/explain?url=http://a/`), 503);
  assert.equal(await statusOf(`${url}/api/v1/endpoints`), 503);
  proxy.drained.resolve({ cutConnections: 0 });
  await gatehouse.stop();
});

test('while it drains it is not ready and still answers; the admin API goes last', async () => {
  const { gatehouse, proxy, calls } = bench();
  const url = await started(gatehouse);
  proxy.events.serving();
  proxy.events.applied(1);
  const stopped = gatehouse.stop();
  assert.equal(await statusOf(`${url}/readyz`), 503);
  assert.deepEqual(calls.slice(3), ['drain 1234', 'source stop']);
  proxy.drained.resolve({ cutConnections: 0 });
  await stopped;
  await assert.rejects(fetch(`${url}/readyz`));
});

test('the source stops after the companions, which write over its connections, while requests finish', async () => {
  const order: string[] = [];
  const released = Promise.withResolvers<void>();
  const election: Companion = {
    start: () => Promise.resolve(),
    stop: () => {
      order.push('lease is given back');
      return released.promise.then(() => void order.push('lease was given back'));
    },
    update: () => {},
  };
  const source = { stop: () => Promise.resolve(void order.push('source stop')) };
  const { gatehouse, proxy, calls } = bench(source, { companions: [election] });
  await gatehouse.start();
  proxy.events.serving();
  proxy.events.applied(1);
  const stopped = gatehouse.stop();
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(calls.includes('drain 1234'));
  assert.deepEqual(order, ['lease is given back']);
  released.resolve();
  proxy.drained.resolve({ cutConnections: 0 });
  await stopped;
  assert.deepEqual(order, ['lease is given back', 'lease was given back', 'source stop']);
});

test('a port that is taken rejects the start, and what had started is stopped', async () => {
  const { gatehouse, proxy, calls } = bench();
  proxy.fault = new Error('cannot bind 127.0.0.1:80: EADDRINUSE');
  proxy.drained.resolve({ cutConnections: 0 });
  await assert.rejects(gatehouse.start(), /EADDRINUSE/);
  assert.deepEqual(calls, ['proxy start', 'drain 0', 'source stop']);
});

test('a source that cannot start rejects the start, and the proxy is stopped', async () => {
  const { gatehouse, proxy, calls } = bench({ start: () => Promise.reject(new Error('no such folder')) });
  proxy.drained.resolve({ cutConnections: 0 });
  await assert.rejects(gatehouse.start(), /no such folder/);
  assert.deepEqual(calls, ['proxy start', 'drain 0', 'source stop']);
});

test('SIGTERM stops it after the start has ended, and the life resolves to true', async () => {
  const { gatehouse, proxy, calls } = bench();
  const signals = new EventEmitter();
  const life = runUntilStopped(gatehouse, { signals, onHangUp: 'ignore', logger: silentLogger, onReady: () => assert.fail('was never ready') });
  signals.emit('SIGTERM', 'SIGTERM');
  proxy.drained.resolve({ cutConnections: 0 });
  assert.equal(await life, true);
  assert.deepEqual(calls, ['proxy start', 'source start', 'apply 1', 'drain 1234', 'source stop']);
  assert.equal(signals.eventNames().length, 0);
});

test('readiness is told once with the addresses, SIGHUP does nothing when it is to be ignored', async () => {
  const { gatehouse, proxy } = bench();
  const signals = new EventEmitter();
  const told = new EventEmitter();
  const life = runUntilStopped(gatehouse, {
    signals,
    onHangUp: 'ignore',
    logger: silentLogger,
    onReady: (addresses) => told.emit('ready', addresses.listeners),
  });
  const ready = once(told, 'ready');
  proxy.events.serving();
  proxy.events.applied(1);
  assert.deepEqual(await ready, [proxy.listeners]);
  signals.emit('SIGHUP', 'SIGHUP');
  assert.deepEqual(proxy.calls.filter((call) => call.startsWith('drain')), []);
  signals.emit('SIGINT', 'SIGINT');
  proxy.drained.resolve({ cutConnections: 0 });
  assert.equal(await life, true);
});

test('it is ready once the ports of VIPs have been tried as well', async () => {
  const vip = { protocol: 'http', address: '127.77.0.1', port: 80 } as const;
  const { gatehouse, proxy, calls } = bench({}, {
    translate: () => ({ ...NO_L4, snapshot: SNAPSHOT, ingresses: [], problems: [], vipListeners: [vip] }),
  });
  const url = await started(gatehouse);
  proxy.events.serving();
  assert.ok(!calls.includes('listen on 1'), 'not before the snapshot is served');
  proxy.events.applied(1);
  await gatehouse.ready();
  assert.ok(calls.includes('listen on 1'));
  assert.equal(await statusOf(`${url}/readyz`), 200);
  proxy.drained.resolve({ cutConnections: 0 });
  await gatehouse.stop();
});

test('translation is told which addresses are taken and which are this machine\'s; what it gave is kept when it stops', async () => {
  const facts: KnownFacts[] = [];
  let flushed = 0;
  const { gatehouse, proxy } = bench({}, {
    translateOptions: (known) => {
      facts.push(known);
      return {} as TranslateOptions;
    },
    assignments: {
      load: () => new Map(),
      save: () => {},
      flush: () => {
        flushed += 1;
        return Promise.resolve();
      },
    },
  });
  const { admin } = await gatehouse.start();
  assert.deepEqual(facts, [{
    assignments: new Map(),
    allocation: 'give',
    localAddresses: ['127.0.0.1', '192.0.2.1'],
    reserved: [{ protocol: 'http', address: '127.0.0.1', port: 4711 }, { protocol: 'admin', ...admin }],
  }]);
  proxy.drained.resolve({ cutConnections: 0 });
  await gatehouse.stop();
  assert.equal(flushed, 1);
});

test('companions that ask for it are told of BGP sessions, until Gatehouse ends', async () => {
  let announcer: AnnouncerControlEvents | undefined;
  const event = { type: 'bgpPeer', peer: 'edge/tor', remote: '10.0.0.254', up: false, reason: 'shut down', atMs: 0 } as const;
  const stop = (): Promise<void> => {
    announcer?.event(event);
    announcer?.bgp(NO_BGP_REPORT);
    return Promise.resolve();
  };
  const control = { start: () => {}, want: () => {}, setProxy: () => {}, report: () => null, bgpReport: () => null, stop };
  const told: string[] = [];
  const plain: Companion = { start: () => Promise.resolve(), stop: () => Promise.resolve(), update: () => {} };
  const asking: Companion = { ...plain, sessions: { happened: ({ peer, up }) => void told.push(`${peer} ${up}`), reported: ({ peers }) => void told.push(`${peers.length} peers`) } };
  const { gatehouse, proxy } = bench({}, {
    companions: [plain, asking],
    announcesAlways: true,
    createAnnouncer: (events) => {
      announcer = events;
      return control;
    },
  });
  await started(gatehouse);
  announcer?.event({ ...event, up: true });
  announcer?.bgp(NO_BGP_REPORT);
  announcer?.event({ type: 'moved', address: '192.0.2.1', from: null, to: 'two', reason: '', atMs: 0 });
  proxy.drained.resolve({ cutConnections: 0 });
  await gatehouse.stop();
  assert.deepEqual(told, ['edge/tor true', '0 peers']);
});

test('companions are told what the announcer tells when owners change, not whenever it has counted; metrics show all of it', async () => {
  let report: AnnouncerReport | null = null;
  let announcer: AnnouncerControlEvents | undefined;
  const control = { start: () => {}, want: () => {}, setProxy: () => {}, report: () => report, bgpReport: () => null, stop: () => Promise.resolve() };
  const seen: (string | null | undefined)[] = [];
  const companion: Companion = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    update: ({ announced }) => void seen.push(announced === null ? undefined : announced.vips[0]?.owner),
  };
  const { gatehouse, proxy } = bench({}, {
    companions: [companion],
    createAnnouncer: (events) => {
      announcer = events;
      return control;
    },
  });
  const url = await started(gatehouse);
  const tell = (owner: string, requestsReceived: number): void => {
    const frames = { requestsReceived, repliesSent: 0, gratuitousSent: 0, conflictsSeen: 0 };
    const vip = { address: '192.0.2.1', owner, sharers: [], interfaces: [], reason: '', sinceMs: 1, conflicts: [], frames };
    report = { generation: 1, vips: [vip], members: [], kernel: { programmed: true, ports: 0, problems: [] }, interfaces: [] };
    announcer?.report(report);
  };
  for (const [owner, requests] of [['one', 1], ['one', 2], ['two', 3], ['two', 4]] as const) tell(owner, requests);
  announcer?.event({ type: 'moved', address: '192.0.2.1', from: 'one', to: 'two', reason: 'it is better', atMs: 0 });
  assert.deepEqual(seen, [undefined, 'one', 'two']);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^gatehouse_vip_requests_received_total\{address="192.0.2.1"\} 4$/m);
  assert.match(metrics, /^gatehouse_vip_owner\{address="192.0.2.1",node="two"\} 1$/m);
  assert.match(metrics, /^gatehouse_vip_moves_total\{change="given"\} 1$/m);
  proxy.drained.resolve({ cutConnections: 0 });
  await gatehouse.stop();
});
