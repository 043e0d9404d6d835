import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { systemClock } from '../../../core/time/clock.ts';
import { Deadlines } from '../../limits/deadlines.ts';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import { answering, response, startRawBackend, type RawBackend } from '../../testing/rawBackend.ts';
import { endpointKey } from '../../balance/endpointState.ts';
import { createCachedLookup } from '../cachedLookup.ts';
import type { RequestHead } from '../exchange.ts';
import { Fields } from '../fields.ts';
import type { UpstreamError } from '../upstream.ts';
import { UpstreamTlsIdentities } from '../upstreamTls.ts';
import { H1Upstream } from './h1Upstream.ts';

after(assertNothingOpen);

const RESPONSE_LIMITS = { requestLineBytes: 8192, fieldLineBytes: 8192, headerBytes: 32_768, headerCount: 100 };
const TIMEOUTS = { connectMs: 5_000, readMs: 5_000, sendMs: 5_000 };

async function setUp(t: TestContext): Promise<{ upstream: H1Upstream; backend: RawBackend; ask: (method?: string) => Promise<number | UpstreamError> }> {
  const backend = await startRawBackend(answering(() => response('ok')));
  t.after(() => backend.close());
  const upstream = new H1Upstream({
    clock: systemClock,
    deadlines: new Deadlines(systemClock),
    keepAlive: () => ({ connections: 10, idleTimeoutMs: 60_000, requests: 100, maxAgeMs: 60_000 }),
    responseLimits: RESPONSE_LIMITS,
    lookup: createCachedLookup(),
    tls: new UpstreamTlsIdentities({ certificate: () => undefined }),
    onFault: (fault) => assert.fail(String(fault)),
  });
  t.after(() => upstream.close());
  const endpoint = { host: '127.0.0.1', port: backend.port, weight: 1, state: 'ready' } as const;
  const ask = (method = 'GET'): Promise<number | UpstreamError> => {
    const { promise, resolve } = Promise.withResolvers<number | UpstreamError>();
    let status = 0;
    const request = upstream.request({ endpoint, key: endpointKey(endpoint), timeouts: TIMEOUTS, transport: null, reuse: true }, headOf(method), {
      onReady: () => request.end(null),
      onInformational: () => {},
      onContinue: () => {},
      onHead: (head) => (status = head.status),
      onData: () => true,
      onEnd: () => resolve(status),
      onUpgrade: () => {},
      onWritable: () => {},
      onError: resolve,
    });
    return promise;
  };
  return { upstream, backend, ask };
}

function headOf(method: string): RequestHead {
  return {
    method,
    scheme: 'http',
    authority: 'gw.test',
    target: '/',
    fields: new Fields(),
    bodyLength: 0,
    upgrade: null,
    expectsContinue: false,
    protocol: 'HTTP/1.1',
  };
}

test('an endpoint that leaves and is back at once is not asked over a connection that is already closing', async (t) => {
  const { upstream, backend, ask } = await setUp(t);
  assert.equal(await ask(), 200);
  upstream.retire({ host: '127.0.0.1', port: backend.port, weight: 1, state: 'ready' });
  assert.equal(await ask('POST'), 200);
  assert.equal(backend.connections.length, 2);
});

test('nothing is remembered of an endpoint once its last connection is closed', async (t) => {
  const { upstream, backend, ask } = await setUp(t);
  await Promise.all([ask(), ask(), ask()]);
  assert.equal(upstream.idleConnections(`127.0.0.1:${backend.port}`), 3);
  assert.equal(upstream.poolCount, 1);
  upstream.retire({ host: '127.0.0.1', port: backend.port, weight: 1, state: 'ready' });
  await Promise.all(backend.connections.map((peer) => peer.untilEnded()));
  for (let turn = 0; turn < 20 && upstream.poolCount > 0; turn += 1) await new Promise(setImmediate);
  assert.equal(upstream.poolCount, 0);
});

test('the connection used last is taken first', async (t) => {
  const { backend, ask } = await setUp(t);
  await Promise.all([ask(), ask()]);
  await ask();
  await ask();
  const counts = backend.connections.map((peer) => peer.received.split('GET / ').length - 1).toSorted((a, b) => a - b);
  assert.deepEqual(counts, [1, 3]);
});
