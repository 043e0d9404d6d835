import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFromProxy } from './decodeFromProxy.ts';

const EXPLANATION = {
  steps: [{ step: 'host', text: 'x' }], ingress: { kind: 'Ingress', namespace: 'a', name: 'b' }, field: null, cluster: 'c', endpoint: null, status: 404,
};
const METRICS = {
  worker: '0',
  counters: [{ family: 'f', labels: ['a'], value: 1 }],
  gauges: [{ family: 'g', labels: [], value: -1 }],
  histograms: [{ family: 'h', labels: [], buckets: [1, 0], sum: 0.5 }],
};
const ENDPOINT = { cluster: 'c', endpoint: 'e', state: 'ready', weight: 1, activeRequests: 0, idleConnections: 0, ejectedBy: 0 };

test('messages of the protocol are taken as they are', () => {
  const messages = [{ type: 'serving' }, { type: 'applied', generation: 3 }, { type: 'listened', id: 1, failure: null },
    { type: 'listened', id: 1, failure: 'no room' }, { type: 'unlistened', id: 1 }, { type: 'explained', id: 1, explanation: EXPLANATION },
    { type: 'metrics', delta: METRICS }, { type: 'collected', id: 1, endpoints: [ENDPOINT] }, { type: 'drained', cutConnections: 0 }];
  for (const message of messages) assert.equal(decodeFromProxy(message), message);
});

const broken: readonly unknown[] = [
  undefined, null, 'serving', [], {}, { type: 'stopped' }, { type: '__proto__' },
  { type: 'listened', id: 1 }, { type: 'listened', id: '1', failure: null }, { type: 'listened', id: 1, failure: 'x'.repeat(1_001) }, { type: 'unlistened' },
  { type: 'applied', generation: '3' }, { type: 'applied', generation: Number.NaN }, { type: 'applied', generation: -1 },
  { type: 'explained', id: 1, explanation: { ...EXPLANATION, steps: [{ step: 'guess', text: 'x' }] } },
  { type: 'explained', id: 1, explanation: { ...EXPLANATION, ingress: {} } },
  { type: 'metrics', delta: { ...METRICS, counters: [{ family: 'f', labels: ['a'], value: -1 }] } },
  { type: 'metrics', delta: { ...METRICS, counters: [{ family: 'f', labels: [1], value: 1 }] } },
  { type: 'metrics', delta: { ...METRICS, histograms: [{ family: 'h', labels: [], buckets: [Infinity], sum: 0 }] } },
  { type: 'collected', id: 1, endpoints: [{ ...ENDPOINT, state: 'lost' }] },
  { type: 'collected', id: 1, endpoints: { length: 1 } },
];
for (const [index, message] of broken.entries()) {
  test(`malformed message ${index} (${JSON.stringify(message)}) is refused`, () => {
    assert.equal(decodeFromProxy(message), null);
  });
}
