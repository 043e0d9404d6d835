import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeToProxy } from './decodeToProxy.ts';

const START = {
  type: 'start',
  workers: 1,
  listeners: 1,
  accessLogFormat: 'text',
  logLevel: 'info',
  logFormat: 'json',
  ticketSecret: Buffer.alloc(32, 255).toString('base64'),
};
const LISTENER = { id: 1, protocol: 'udp', address: '127.0.0.1', port: 53 };

test('messages of the protocol are taken as they are', () => {
  const messages = [START, { type: 'apply', delta: { generation: 1 } }, { type: 'drain', timeoutMs: 0 },
    { type: 'listen', id: 1, listeners: [LISTENER, { ...LISTENER, id: 2, protocol: 'https' }] }, { type: 'unlisten', id: 2, listeners: [1, 2] },
    { type: 'explain', id: 1, request: {} }, { type: 'collect', id: 1, endpoints: false }];
  for (const message of messages) assert.equal(decodeToProxy(message), message);
});

for (const message of [null, 'start', [], {}, { type: 'stop' }, { ...START, workers: 0 }, { ...START, logLevel: 'loud' },
  { ...START, listeners: [] }, { ...START, ticketSecret: '' }, { ...START, ticketSecret: 'x'.repeat(44) },
  { type: 'listen', id: 1, listeners: [{ ...LISTENER, id: -1 }] }, { type: 'listen', id: 1, listeners: [{ ...LISTENER, protocol: 'sctp' }] },
  { type: 'listen', id: 1, listeners: [{ ...LISTENER, port: 0 }] }, { type: 'listen', id: 1, listeners: { length: 1 } }, { type: 'listen', listeners: [] },
  { type: 'unlisten', id: 1, listeners: ['1'] }, { type: 'apply' }, { type: 'drain', timeoutMs: -1 }]) {
  test(`${JSON.stringify(message)} is refused`, () => {
    assert.throws(() => decodeToProxy(message), TypeError);
  });
}
