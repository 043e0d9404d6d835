import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAMILIES, FAMILY_BY_NAME } from '../../core/metrics/families.ts';
import { protocolErrorKind } from './answerReason.ts';
import { testRecord, testSubject, testTry } from './testRecord.ts';
import { ThreadWatch } from './threadWatch.ts';
import { WorkerMetrics } from './workerMetrics.ts';
import type { MetricsDelta } from '../../core/metrics/delta.ts';

function start(options: { maxSeries?: number; idleMs?: number } = {}) {
  const clock = { nowMs: 0, now: () => clock.nowMs };
  return { metrics: new WorkerMetrics({ worker: '1', ...options }, { clock }), clock };
}

/** `label,label` → value of one family, summed as the receiver does. */
function counters(delta: MetricsDelta, family: { readonly name: string }): Record<string, number> {
  const sums = new Map<string, number>();
  for (const { family: name, labels, value } of delta.counters) {
    if (name === family.name) sums.set(labels.join(), (sums.get(labels.join()) ?? 0) + value);
  }
  return Object.fromEntries(sums);
}

function histogram(delta: MetricsDelta, family: { readonly name: string }) {
  const found = delta.histograms.filter((entry) => entry.family === family.name);
  assert.equal(found.length, 1);
  return found[0] ?? assert.fail();
}

test('requests are counted by rule, method and status, unknown methods folded into OTHER', () => {
  const { metrics } = start();
  for (const method of ['GET', 'GET', 'POST', 'PROPFIND', '__proto__', '']) metrics.exchangeFinished(testRecord({ method }));
  metrics.exchangeFinished(testRecord({ status: 404, answeredBy: 'noPath', tries: [] }));
  assert.deepEqual(counters(metrics.take(), FAMILIES.requests), {
    'shop,web,web,,shop.test,/,GET,200': 2,
    'shop,web,web,,shop.test,/,POST,200': 1,
    'shop,web,web,,shop.test,/,OTHER,200': 3,
    'shop,web,web,,shop.test,/,GET,404': 1,
  });
});

test('a report holds what was counted since the last one, and nothing for rules without traffic', () => {
  const { metrics } = start();
  metrics.exchangeFinished(testRecord());
  metrics.connectionOpened('https');
  metrics.take();
  const empty = metrics.take();
  assert.deepEqual([empty.counters, empty.histograms], [[], []]);
  metrics.exchangeFinished(testRecord());
  const again = metrics.take();
  assert.deepEqual(Object.values(counters(again, FAMILIES.requests)), [1]);
  assert.equal(histogram(again, FAMILIES.requestDuration).sum, 0.004);
});

test('an observation falls into the first bucket whose bound it does not exceed', () => {
  const { metrics } = start();
  const { buckets } = FAMILIES.requestDuration;
  for (const bound of buckets) metrics.exchangeFinished(testRecord({ requestTimeMs: bound * 1000, tries: [] }));
  metrics.exchangeFinished(testRecord({ requestTimeMs: 0, tries: [] }));
  metrics.exchangeFinished(testRecord({ requestTimeMs: 10_001, tries: [] }));
  const counted = histogram(metrics.take(), FAMILIES.requestDuration).buckets;
  assert.deepEqual(counted, [2, ...buckets.slice(1).map(() => 1), 1]);
});

test('tries, retries, failures and connects are counted per try', () => {
  const { metrics } = start();
  const refused = testTry({ error: 'connectFailed', status: null, connectMs: null, responseTimeMs: 1 });
  metrics.exchangeFinished(testRecord({ tries: [refused, testTry({ connectMs: 2, responseTimeMs: 30 })] }));
  metrics.exchangeFinished(testRecord());
  const delta = metrics.take();
  const labels = 'shop,web,web,,shop.test,/';
  assert.deepEqual(counters(delta, FAMILIES.upstreamTries), { [labels]: 3 });
  assert.deepEqual(counters(delta, FAMILIES.upstreamRetries), { [labels]: 1 });
  assert.deepEqual(counters(delta, FAMILIES.upstreamFailures), { [`${labels},connectFailed`]: 1 });
  assert.equal(histogram(delta, FAMILIES.upstreamConnectDuration).sum, 0.002);
  assert.equal(histogram(delta, FAMILIES.upstreamResponseDuration).sum, 0.034);
});

test('a tunnel counts as a request with its octets but not in the durations', () => {
  const { metrics } = start();
  metrics.exchangeFinished(testRecord({ status: 101, requestTimeMs: 3_600_000, tries: [testTry({ status: 101 })] }));
  const delta = metrics.take();
  assert.deepEqual(Object.values(counters(delta, FAMILIES.requests)), [1]);
  assert.deepEqual(counters(delta, FAMILIES.responseBytes), { 'shop,web': 160 });
  assert.deepEqual(delta.histograms, []);
});

test('octets and own answers are summed per Ingress, over all its rules', () => {
  const { metrics } = start();
  metrics.exchangeFinished(testRecord({ status: 503, answeredBy: 'noEndpoints', tries: [] }));
  metrics.exchangeFinished(testRecord({ subject: testSubject({ path: '/other' }) }));
  const delta = metrics.take();
  assert.deepEqual(counters(delta, FAMILIES.requestBytes), { 'shop,web': 160 });
  assert.deepEqual(counters(delta, FAMILIES.localResponses), { 'shop,web,noEndpoints': 1 });
});

test('a rule replaced by its like counts into the same series', () => {
  const { metrics } = start({ maxSeries: 2 });
  for (let change = 0; change < 100; change += 1) metrics.exchangeFinished(testRecord({ subject: testSubject() }));
  assert.deepEqual(counters(metrics.take(), FAMILIES.requests), { 'shop,web,web,,shop.test,/,GET,200': 100 });
});

test('series beyond the bound are counted as _other, none is lost', () => {
  const { metrics } = start({ maxSeries: 10 });
  for (let index = 0; index < 1000; index += 1) {
    metrics.exchangeFinished(testRecord({ subject: testSubject({ path: `/${index}` }), status: 200 + (index % 300) }));
  }
  const requests = counters(metrics.take(), FAMILIES.requests);
  assert.ok(Object.keys(requests).length <= 11, Object.keys(requests).join('\n'));
  assert.equal(requests['_other,_other,_other,_other,_other,_other,_other,_other'], 995);
  assert.equal(Object.values(requests).reduce((sum, value) => sum + value), 1000);
});

test('a backend that invents statuses makes one series of them', () => {
  const { metrics } = start();
  for (const status of [0, 99, 600, 999, -1, 200.5, Number.NaN]) metrics.exchangeFinished(testRecord({ status }));
  assert.deepEqual(counters(metrics.take(), FAMILIES.requests), { 'shop,web,web,,shop.test,/,_other,_other': 7 });
});

test('series that are idle for long make room for others after they have been reported', () => {
  const { metrics, clock } = start({ maxSeries: 2, idleMs: 1000 });
  const [old, young] = [testSubject({ path: '/old' }), testSubject({ path: '/young' })];
  metrics.exchangeFinished(testRecord({ subject: old }));
  metrics.exchangeFinished(testRecord({ subject: young }));
  assert.ok('_other,_other,_other,_other,_other,_other,_other,_other' in counters(metrics.take(), FAMILIES.requests));
  clock.nowMs = 1001;
  metrics.take();
  metrics.exchangeFinished(testRecord({ subject: young }));
  assert.deepEqual(counters(metrics.take(), FAMILIES.requests), { 'shop,web,web,,shop.test,/young,GET,200': 1 });
  metrics.exchangeFinished(testRecord({ subject: old }));
  assert.ok('_other,_other,_other,_other,_other,_other,_other,_other' in counters(metrics.take(), FAMILIES.requests));
});

test('label values are cut, so that no object makes the report grow without bound', () => {
  const { metrics } = start();
  metrics.exchangeFinished(testRecord({ subject: testSubject({ path: `/${'x'.repeat(100_000)}` }) }));
  for (const { labels } of metrics.take().counters) assert.ok(labels.every((value) => value.length <= 256));
});

test('connections, handshakes, protocol errors, ejections and dropped lines have their own counters and gauges', () => {
  const { metrics } = start();
  metrics.connectionOpened('http');
  metrics.connectionOpened('http');
  metrics.connectionOpened('https');
  metrics.connectionClosed('http');
  metrics.connectionRefused();
  metrics.handshakeCompleted('TLSv1.3');
  metrics.handshakeCompleted(null);
  metrics.handshakeFailed('timeout');
  metrics.protocolError(protocolErrorKind(431));
  metrics.protocolError(protocolErrorKind(426));
  metrics.endpointEjected({ namespace: 'shop', service: 'web' });
  metrics.accessLogDropped(7);
  metrics.requestsInFlight += 3;
  metrics.tunnels += 1;
  const delta = metrics.take();
  assert.deepEqual(counters(delta, FAMILIES.acceptedConnections), { http: 2, https: 1 });
  assert.deepEqual(counters(delta, FAMILIES.refusedConnections), { '': 1 });
  assert.deepEqual(counters(delta, FAMILIES.tlsHandshakes), { 'TLSv1.3': 1, _other: 1 });
  assert.deepEqual(counters(delta, FAMILIES.tlsHandshakeFailures), { timeout: 1 });
  assert.deepEqual(counters(delta, FAMILIES.protocolErrors), { headersTooLarge: 1, badRequest: 1 });
  assert.deepEqual(counters(delta, FAMILIES.ejections), { 'shop,web': 1 });
  assert.deepEqual(counters(delta, FAMILIES.accessLogDropped), { '': 7 });
  assert.deepEqual(
    delta.gauges.map(({ family, labels, value }) => [family, ...labels, value]),
    [
      ['gatehouse_requests_in_flight', 3],
      ['gatehouse_tunnels', 1],
      ['gatehouse_client_connections', 'http', 1],
      ['gatehouse_client_connections', 'https', 1],
    ],
  );
});

test('the gauges of a thread are finite, and everything reported fits the families', () => {
  const { metrics } = start();
  const watch = new ThreadWatch();
  watch.start();
  metrics.exchangeFinished(testRecord({ tries: [testTry({ connectMs: 1 })] }));
  const delta = metrics.take(watch);
  watch.stop();
  for (const entry of [...delta.counters, ...delta.histograms, ...delta.gauges]) {
    assert.equal(FAMILY_BY_NAME.get(entry.family)?.labels.length, entry.labels.length, entry.family);
  }
  for (const { value } of delta.gauges) assert.ok(Number.isFinite(value) && value >= 0);
  assert.ok(delta.gauges.some(({ family, value }) => family === FAMILIES.heapUsed.name && value > 0));
});
