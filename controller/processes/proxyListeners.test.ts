import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { RequestError } from '../../core/ipc/pendingRequests.ts';
import { readDescriptors } from './fixture/processFacts.ts';
import { ProxyListeners, type ListenerTaker } from './proxyListeners.ts';
import type { ListenerAddress } from '../../core/ipc/messages.ts';

const WORKERS = 100;

function want(count: number, first = 1): readonly ListenerAddress[] {
  return Array.from({ length: count }, (_, index) => ({ protocol: 'tcp', address: `127.77.10.${first + index}`, port: 0 }));
}

function create(t: TestContext): ProxyListeners {
  const listeners = new ProxyListeners({ workers: WORKERS, descriptorLimit: 1_000_000 });
  t.after(() => listeners.closeAll());
  return listeners;
}

interface FakeTaker extends ListenerTaker {
  /** What it has been told, by address. */
  readonly told: string[];
}

/** A proxy that has each batch of `listen` answered by `answer`, counted from 0. */
function createTaker(answer: (batch: number) => Promise<void>): FakeTaker {
  const told: string[] = [];
  let batches = 0;
  return {
    told,
    listen: (listeners) => {
      told.push(`listen ${listeners.map(({ address }) => address).join(' ')}`);
      batches += 1;
      return answer(batches - 1);
    },
    unlisten: async (listeners) => { told.push(`unlisten ${listeners.map(({ address }) => address).join(' ')}`); },
  };
}

async function isRefused(address: string, port: number): Promise<boolean> {
  const socket = connect({ host: address, port });
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}

test('no batch holds more descriptors than one message, and each listener comes in one piece', async (t) => {
  const taker = createTaker(() => Promise.resolve());
  await create(t).set(want(5), taker);
  assert.deepEqual(taker.told, ['listen 127.77.10.1 127.77.10.2', 'listen 127.77.10.3 127.77.10.4', 'listen 127.77.10.5']);
});

test('a batch the proxy could not take fails and is closed, the others stay, and the next call tries it again', async (t) => {
  const listeners = create(t);
  const before = readDescriptors('self').size;
  const poor = createTaker((batch) => batch === 1 ? Promise.reject(new Error('no room')) : Promise.resolve());
  const outcomes = await listeners.set(want(5), poor);
  assert.deepEqual(outcomes.map(({ type }) => type), ['open', 'open', 'failed', 'failed', 'open']);
  assert.match(outcomes[2]?.type === 'failed' ? outcomes[2].error.message : '', /no room/);
  assert.equal(readDescriptors('self').size, before + 3 * WORKERS);
  const rich = createTaker(() => Promise.resolve());
  assert.ok((await listeners.set(want(5), rich)).every(({ type }) => type === 'open'));
  assert.deepEqual(rich.told, ['listen 127.77.10.3 127.77.10.4']);
});

test('a proxy that is gone costs no listener: the next one is handed all of them', async (t) => {
  const listeners = create(t);
  const dying = createTaker(() => Promise.reject(new RequestError('gone', 'it has ended')));
  assert.ok((await listeners.set(want(3), dying)).every(({ type }) => type === 'open'));
  assert.equal(dying.told.length, 1);
  const next = createTaker(() => Promise.resolve());
  await listeners.handOver(next);
  assert.deepEqual(next.told, ['listen 127.77.10.1 127.77.10.2', 'listen 127.77.10.3']);
  await assert.rejects(listeners.handOver(dying), { code: 'gone' });
});

test('what goes is closed only when the proxy has confirmed it, while what comes need not wait for that', async (t) => {
  const listeners = create(t);
  const [first] = await listeners.set(want(1), null);
  assert.ok(first?.type === 'open');
  const confirmed = Promise.withResolvers<void>();
  const handed = Promise.withResolvers<void>();
  const taker: ListenerTaker = { listen: async () => handed.resolve(), unlisten: () => confirmed.promise };
  const changed = listeners.set(want(1, 2), taker);
  await handed.promise;
  assert.equal(await isRefused('127.77.10.1', first.port), false);
  confirmed.resolve();
  assert.deepEqual((await changed).map(({ type }) => type), ['open']);
  assert.equal(await isRefused('127.77.10.1', first.port), true);
});

test('closeAll gives everything back', async (t) => {
  const before = readDescriptors('self').size;
  const listeners = create(t);
  await listeners.openFixed(want(2));
  await listeners.set(want(2, 3), null);
  assert.equal(listeners.open.length, 4);
  listeners.closeAll();
  assert.deepEqual(listeners.open, []);
  assert.equal(readDescriptors('self').size, before);
});
