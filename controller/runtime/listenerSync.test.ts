import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { test, type TestContext } from 'node:test';
import type { ListenerAddress } from '../../core/ipc/messages.ts';
import { silentLogger } from '../../core/log/logger.ts';
import type { ListenerOutcome } from '../processes/proxyListeners.ts';
import { ListenerSync } from './listenerSync.ts';

const DNS: ListenerAddress = { protocol: 'udp', address: '127.77.0.1', port: 53 };
const MAIL: ListenerAddress = { protocol: 'tcp', address: '127.77.0.1', port: 25 };

function bench(context: TestContext) {
  const told = new EventEmitter();
  const generations = new Map<number, PromiseWithResolvers<void>>();
  const generation = (number: number): PromiseWithResolvers<void> => {
    const known = generations.get(number) ?? Promise.withResolvers<void>();
    generations.set(number, known);
    return known;
  };
  const calls: (readonly ListenerAddress[])[] = [];
  const failing = new Set<ListenerAddress>();
  const sync = new ListenerSync({
    setListeners: (wanted) => {
      calls.push(wanted);
      const outcome = (listener: ListenerAddress): ListenerOutcome =>
        failing.has(listener) ? { type: 'failed', listener, error: new Error('no') } : { type: 'open', listener, port: listener.port };
      return Promise.resolve(wanted.map(outcome));
    },
    whenApplied: (number) => generation(number).promise,
    onOutcomes: (outcomes) => told.emit('outcomes', outcomes),
    logger: silentLogger,
    retryMs: 1,
  });
  context.after(() => sync.stop());
  return { sync, calls, failing, applied: (number: number) => generation(number).resolve(), next: () => once(told, 'outcomes') };
}

test('nothing wanted is settled at once, without a call', async (context) => {
  const { sync, calls } = bench(context);
  assert.equal(sync.hasSettled, false);
  sync.want([], 1);
  await sync.settled;
  assert.deepEqual(calls, []);
});

test('a port opens only when every worker serves what it is for', async (context) => {
  const { sync, calls, applied, next } = bench(context);
  sync.want([DNS], 1);
  await new Promise(setImmediate);
  assert.deepEqual(calls, []);
  assert.equal(sync.hasSettled, false);
  const outcomes = next();
  applied(1);
  assert.deepEqual(await outcomes, [[{ type: 'open', listener: DNS, port: 53 }]]);
  assert.deepEqual(calls, [[DNS]]);
  assert.equal(sync.hasSettled, true);
});

test('whoever is told of the first outcomes finds it settled', async (context) => {
  const told = Promise.withResolvers<boolean>();
  const sync: ListenerSync = new ListenerSync({
    setListeners: () => Promise.resolve([{ type: 'open', listener: DNS, port: DNS.port }]),
    whenApplied: () => Promise.resolve(),
    onOutcomes: () => told.resolve(sync.hasSettled),
    logger: silentLogger,
  });
  context.after(() => sync.stop());
  sync.want([DNS], 1);
  assert.equal(await told.promise, true);
});

test('a stream of changes keeps no port waiting: what is served opens, what is new waits for its own generation', async (context) => {
  const { sync, calls, applied, next } = bench(context);
  sync.want([DNS], 1);
  sync.want([DNS, MAIL], 2);
  const first = next();
  applied(1);
  await first;
  assert.deepEqual(calls, [[DNS]]);
  const second = next();
  applied(2);
  await second;
  assert.deepEqual(calls, [[DNS], [DNS, MAIL]]);
});

test('what is wanted no more when its generation is served is not opened', async (context) => {
  const { sync, calls, applied, next } = bench(context);
  sync.want([DNS, MAIL], 1);
  sync.want([MAIL], 2);
  const first = next();
  applied(1);
  await first;
  assert.deepEqual(calls, [[MAIL]]);
});

test('an open port stays open while a change that keeps it is on its way', async (context) => {
  const { sync, calls, applied, next } = bench(context);
  sync.want([DNS], 1);
  applied(1);
  await next();
  await new Promise(setImmediate);
  sync.want([MAIL], 2);
  await new Promise(setImmediate);
  sync.want([DNS, MAIL], 3);
  const outcomes = next();
  applied(2);
  await outcomes;
  assert.deepEqual(calls, [[DNS], [DNS, MAIL]]);
});

test('the last port closes when nothing is wanted any more', async (context) => {
  const { sync, calls, applied, next } = bench(context);
  applied(1);
  applied(2);
  sync.want([DNS], 1);
  await next();
  const outcomes = next();
  sync.want([], 2);
  await outcomes;
  assert.deepEqual(calls, [[DNS], []]);
});

test('a port that cannot be opened is tried again until it can', async (context) => {
  const { sync, calls, failing, applied, next } = bench(context);
  failing.add(DNS);
  applied(1);
  sync.want([DNS], 1);
  await next();
  await next();
  assert.equal(sync.hasSettled, true, 'what fails keeps nothing from being ready');
  failing.delete(DNS);
  const [outcomes] = (await next()) as [readonly ListenerOutcome[]];
  assert.deepEqual(outcomes, [{ type: 'open', listener: DNS, port: 53 }]);
  assert.ok(calls.length >= 3);
});

test('after stop nothing is tried any more', async (context) => {
  const { sync, calls, applied } = bench(context);
  sync.want([DNS], 1);
  sync.stop();
  sync.want([MAIL], 1);
  applied(1);
  await new Promise(setImmediate);
  assert.deepEqual(calls, []);
});
