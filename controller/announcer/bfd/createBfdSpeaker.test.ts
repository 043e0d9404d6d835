import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '../../../core/log/logger.ts';
import type { BfdEndpoint } from './bfdSpeaker.ts';
import { createBfdSpeaker } from './createBfdSpeaker.ts';

// What needs sockets is in test/bgp/bfd.test.ts, in network namespaces.

const create = () => {
  const logged: string[] = [];
  const log = (message: string): void => { logged.push(message); };
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger, flush: () => Promise.resolve() };
  return { speaker: createBfdSpeaker({ events: { changed: () => {} }, logger }), logged };
};

test('it starts and stops without a session, as often as it is told, and says nothing', async () => {
  const { speaker, logged } = create();
  await Promise.all([speaker.start(), speaker.start()]);
  assert.equal((await speaker.reports()).size, 0);
  await Promise.all([speaker.stop(), speaker.stop()]);
  assert.equal((await speaker.reports()).size, 0);
  await speaker.start();
  assert.deepEqual(logged, []);
});

test('one that was stopped before its start never starts', async () => {
  const { speaker } = create();
  await speaker.stop();
  await speaker.start();
  speaker.setSessions([]);
  assert.equal((await speaker.reports()).size, 0);
});

test('what is no address is refused at once', () => {
  const { speaker } = create();
  const endpoint: BfdEndpoint = {
    name: 'a', localAddress: '192.0.2.1', remoteAddress: 'fe80::1%eth0', interface: 'eth0', vrf: null,
    settings: { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' } },
  };
  assert.throws(() => { speaker.setSessions([endpoint]); }, /without a zone/);
});
