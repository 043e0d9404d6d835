import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeToProxy } from './decodeToProxy.ts';

const START = {
  type: 'start',
  workers: 1,
  listeners: [{ protocol: 'http', address: '127.0.0.1', port: 80, descriptors: [4] }],
  accessLogFormat: 'text',
  logLevel: 'info',
  logFormat: 'json',
};

test('messages of the protocol are taken as they are', () => {
  const messages = [START, { type: 'apply', delta: { generation: 1 } }, { type: 'drain', timeoutMs: 0 },
    { type: 'explain', id: 1, request: {} }, { type: 'collect', id: 1 }];
  for (const message of messages) assert.equal(decodeToProxy(message), message);
});

for (const message of [null, 'start', [], {}, { type: 'stop' }, { ...START, workers: 0 }, { ...START, logLevel: 'loud' },
  { ...START, listeners: [{ ...START.listeners[0], descriptors: ['4'] }] }, { type: 'apply' }, { type: 'drain', timeoutMs: -1 }]) {
  test(`${JSON.stringify(message)} is refused`, () => {
    assert.throws(() => decodeToProxy(message), TypeError);
  });
}
