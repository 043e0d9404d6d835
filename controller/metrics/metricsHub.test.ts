import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAMILIES, FAMILY_BY_NAME } from '../../core/metrics/families.ts';
import { testRecord, testSubject } from '../../proxy/observe/testRecord.ts';
import { WorkerMetrics } from '../../proxy/observe/workerMetrics.ts';
import { MetricsHub } from './metricsHub.ts';
import { parseExposition } from './parseExposition.ts';
import type { MetricsDelta } from '../../core/metrics/delta.ts';

const clock = { now: () => 0 };
const startWorker = (worker: string): WorkerMetrics => new WorkerMetrics({ worker }, { clock });
/** A report as it arrives from another process. */
const report = (metrics: WorkerMetrics): MetricsDelta => structuredClone(metrics.take());
const emptyDelta: MetricsDelta = { worker: '1', counters: [], histograms: [], gauges: [] };

/** Samples of that name: their label values, joined, and their value. */
async function samplesOf(hub: MetricsHub, name: string): Promise<readonly (readonly [string, number])[]> {
  const families = parseExposition(await hub.text());
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  const samples = (family?.samples ?? []).filter((sample) => sample.name === name);
  return samples.map(({ labels, value }) => [[...labels.values()].join(), value]);
}

test('counters and histograms are totals over workers and over a restart of the proxy', async () => {
  const hub = new MetricsHub();
  for (const worker of ['1', '2']) {
    const metrics = startWorker(worker);
    for (let count = 0; count < 3; count += 1) metrics.exchangeFinished(testRecord({ requestTimeMs: 500 }));
    hub.add(report(metrics));
  }
  hub.forgetWorkers();
  const reborn = startWorker('1');
  reborn.exchangeFinished(testRecord({ requestTimeMs: 2 }));
  hub.add(report(reborn));
  hub.add(report(reborn));
  assert.deepEqual(await samplesOf(hub, FAMILIES.requests.name), [['shop,web,web,,shop.test,/,GET,200', 7]]);
  const count = await samplesOf(hub, `${FAMILIES.requestDuration.name}_count`);
  const sum = await samplesOf(hub, `${FAMILIES.requestDuration.name}_sum`);
  assert.deepEqual([count[0]?.[1], sum[0]?.[1]], [7, 3.002]);
  const buckets = await samplesOf(hub, `${FAMILIES.requestDuration.name}_bucket`);
  const at = (bound: string): number | undefined => buckets.find(([labels]) => labels.startsWith(`${bound},`))?.[1];
  assert.deepEqual([at('0.001'), at('0.0025'), at('0.25'), at('0.5'), at('+Inf')], [0, 1, 1, 7, 7]);
});

test('gauges are the sum over living workers, replaced by every report and gone with their worker', async () => {
  const hub = new MetricsHub();
  const [one, two] = [startWorker('1'), startWorker('2')];
  one.requestsInFlight = 5;
  two.requestsInFlight = 2;
  hub.add(report(one));
  hub.add(report(two));
  assert.deepEqual(await samplesOf(hub, FAMILIES.requestsInFlight.name), [['', 7]]);
  one.requestsInFlight = 1;
  hub.add(report(one));
  assert.deepEqual(await samplesOf(hub, FAMILIES.requestsInFlight.name), [['', 3]]);
  hub.forgetWorkers();
  assert.deepEqual(await samplesOf(hub, FAMILIES.requestsInFlight.name), []);
});

test('label values of any kind come out escaped and read back the same', async () => {
  const hub = new MetricsHub();
  const hostile = ['a"b', 'c\\d\\', 'e\nf', 'g\r\t\u0000', '{x="y"} 1', '__proto__', 'h\u00e9\u20ac', '\\n', '} 5\n# EOF'];
  const metrics = startWorker('1');
  for (const path of hostile) metrics.exchangeFinished(testRecord({ subject: testSubject({ path }) }));
  hub.add(report(metrics));
  const samples = parseExposition(await hub.text()).get(FAMILIES.requests.name)?.samples ?? [];
  assert.deepEqual(samples.map(({ labels }) => labels.get('path')), hostile);
});

test('everything there is makes valid text, process metrics and aliases included', async () => {
  const hub = new MetricsHub({ ingressNginxNames: true });
  hub.start();
  hub.start();
  const metrics = startWorker('1');
  metrics.exchangeFinished(testRecord());
  hub.add(report(metrics));
  hub.controller.setGeneration(3);
  hub.controller.observeTranslate(4);
  const families = parseExposition(await hub.text());
  for (const name of FAMILY_BY_NAME.keys()) assert.ok(families.has(name), name);
  assert.ok(families.has('gatehouse_controller_process_cpu_seconds_total'));
  const aliases = families.get('nginx_ingress_controller_requests')?.samples ?? [];
  assert.deepEqual(
    aliases.map(({ labels, value }) => [Object.fromEntries(labels), value]),
    families.get(FAMILIES.requests.name)?.samples.map(({ labels, value }) => [Object.fromEntries(labels), value]),
  );
  assert.ok(families.has('nginx_ingress_controller_request_duration_seconds'));
  assert.match(hub.contentType, /^text\/plain; version=0\.0\.4/);
});

test('label sets beyond the bound are merged into one of _other, and nothing is lost', async () => {
  const hub = new MetricsHub({ maxSeriesPerFamily: 5 });
  for (let index = 0; index < 100; index += 1) {
    hub.add({ ...emptyDelta, counters: [{ family: FAMILIES.ejections.name, labels: ['ns', `s${index}`], value: 1 }] });
  }
  const samples = await samplesOf(hub, FAMILIES.ejections.name);
  assert.equal(samples.length, 6);
  assert.deepEqual(samples.at(-1), ['_other,_other', 95]);
});

test('series of Ingresses that are gone are forgotten, those of no Ingress and of _other stay', async () => {
  const hub = new MetricsHub();
  const add = (namespace: string, ingress: string): void =>
    hub.add({ ...emptyDelta, counters: [{ family: FAMILIES.requestBytes.name, labels: [namespace, ingress], value: 1 }] });
  for (const [namespace, ingress] of [['a', 'web'], ['b', 'web'], ['', ''], ['_other', '_other']] as const) add(namespace, ingress);
  hub.retainIngresses((namespace, name) => namespace === 'b' && name === 'web');
  const left = (await samplesOf(hub, FAMILIES.requestBytes.name)).map(([labels]) => labels);
  assert.deepEqual(left, ['b,web', ',', '_other,_other']);
});

test('entries that fit no family are left out and counted, whatever they are, and good ones beside them are taken', async () => {
  const hub = new MetricsHub();
  const good = { family: FAMILIES.refusedConnections.name, labels: [], value: 1 };
  const buckets = FAMILIES.requestDuration.buckets.map(() => 0);
  const six = ['', '', '', '', '', ''];
  const bad = {
    counters: [
      { ...good, family: 'gatehouse_unknown_total' },
      { ...good, family: '__proto__' },
      { ...good, family: FAMILIES.tunnels.name },
      { ...good, labels: ['extra'] },
      { ...good, value: -1 },
      { ...good, value: Number.NaN },
      { ...good, value: '1' },
      { ...good, family: FAMILIES.acceptedConnections.name, labels: ['x'.repeat(1000)] },
      { ...good, family: FAMILIES.acceptedConnections.name, labels: [{}] },
      null,
      good,
    ],
    histograms: [
      { family: FAMILIES.requestDuration.name, labels: six, buckets, sum: 1 },
      { family: FAMILIES.requestDuration.name, labels: six, buckets: [...buckets, -1], sum: 1 },
      { family: FAMILIES.requestDuration.name, labels: six, buckets: null, sum: 1 },
    ],
    gauges: [{ family: FAMILIES.tunnels.name, labels: [], value: Infinity }],
  };
  hub.add({ worker: '1', ...bad } as unknown as MetricsDelta);
  hub.add({ worker: 5, counters: 'many', histograms: undefined, gauges: null } as unknown as MetricsDelta);
  assert.deepEqual(await samplesOf(hub, FAMILIES.refusedConnections.name), [['', 1]]);
  assert.deepEqual(await samplesOf(hub, FAMILIES.requestDuration.name), []);
  assert.deepEqual(await samplesOf(hub, FAMILIES.tunnels.name), []);
  const rejected = await samplesOf(hub, 'gatehouse_controller_metrics_rejected_total');
  assert.ok((rejected[0]?.[1] ?? 0) >= 14, String(rejected));
});
