import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createManualClock } from '../core/time/manualClock.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend, type RawBackend } from './testing/rawBackend.ts';
import type { RawMessage, RawPeer } from './testing/rawPeer.ts';
import { startEngine, type PolicyChanges, type RunningEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const GET = 'GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 4\r\n\r\nbody';
const EMPTY_POST = 'POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n';

type Context = Parameters<typeof startEngine>[0];
type Script = (peer: RawPeer, index: number) => Promise<void> | void;

interface Setup {
  readonly backends: readonly RawBackend[];
  readonly gateway: RunningEngine;
  readonly client: RawPeer;
}

/**
 * As many endpoints as scripts. Which endpoint is asked first is left to chance: so the scripts are for connections in the
 * order in which they are made, to whichever endpoint; the last one is for all that follow.
 */
async function setUp(t: Context, scripts: readonly Script[], policy: PolicyChanges = {}, clock = createManualClock()): Promise<Setup> {
  let made = 0;
  const next: Script = (peer, index) => {
    made += 1;
    return scripts[Math.min(made, scripts.length) - 1]?.(peer, index);
  };
  const backends = await Promise.all(scripts.map(() => startRawBackend(next)));
  t.after(() => Promise.all(backends.map((backend) => backend.close())));
  const gateway = await startEngine(t, { clusters: { web: backends.map((backend) => backend.port) }, policy, clock });
  return { backends, gateway, client: await gateway.connect() };
}

const ok: Script = answering((request) => response(request.body === '' ? 'ok' : request.body));
/** Reads the head of a request and resets the connection. */
const resetting: Script = async (peer) => {
  await peer.until('\r\n\r\n');
  peer.reset();
};

async function errorsOf(gateway: RunningEngine, count = 1): Promise<unknown[]> {
  const lines = await gateway.logged(count);
  return (lines.at(-1)?.upstream ?? []).map((attempt) => attempt['error']);
}

for (const request of [GET, POST]) {
  test(`a refused connection leads to another endpoint, also for ${request.slice(0, 4).trim()}, since nothing was sent`, async (t) => {
    const { backends, gateway, client } = await setUp(t, [ok, ok]);
    await backends[0]?.refuse();
    for (let index = 0; index < 4; index += 1) {
      client.send(request);
      assert.equal((await client.message()).body, request === POST ? 'body' : 'ok');
    }
    const lines = await gateway.logged(4);
    const tries = lines.flatMap((line) => line.upstream.map((attempt) => attempt['error']));
    assert.ok(tries.includes('connectFailed'));
    assert.equal(tries.filter((error) => error === null).length, 4);
  });
}

test('when every endpoint refuses the client gets 502, and three refusals in a row eject', async (t) => {
  const { backends, gateway, client } = await setUp(t, [ok, ok], { retry: { tries: 0 } });
  for (const backend of backends) await backend.refuse();
  for (let index = 0; index < 3; index += 1) {
    client.send(GET);
    assert.match((await client.message()).startLine, / 502 /);
  }
  assert.deepEqual(await errorsOf(gateway, 3), ['connectFailed', 'connectFailed']);
  assert.equal(gateway.counter('gatehouse_endpoint_ejections_total'), 2);
});

test('when the only endpoint refuses the client gets 502 after one try', async (t) => {
  const { backends, gateway, client } = await setUp(t, [ok]);
  await backends[0]?.refuse();
  client.send(GET);
  assert.match((await client.message()).startLine, / 502 /);
  assert.deepEqual(await errorsOf(gateway), ['connectFailed']);
});

/** Answers the first request; breaks the connection when the second comes. */
const staleAfterOne = (seen: RawMessage[]): Script => async (peer, index) => {
  seen.push(await peer.message());
  peer.send(response('ok'));
  if (index > 0) return answering(() => response('fresh'), seen)(peer);
  await peer.until('\r\n\r\n');
  seen.push(await peer.message());
  peer.socket.destroy();
};

test('a kept connection that breaks under an idempotent request costs one new connection and no try', async (t) => {
  const seen: RawMessage[] = [];
  const { backends, gateway, client } = await setUp(t, [staleAfterOne(seen)], { retry: { tries: 1 } });
  for (let index = 0; index < 2; index += 1) {
    client.send(GET);
    assert.equal((await client.message()).body, 'ok');
  }
  assert.equal(backends[0]?.connections.length, 2);
  assert.deepEqual(await errorsOf(gateway, 2), ['stale', null]);
});

for (const post of [POST, EMPTY_POST]) {
  test(`a kept connection that breaks under a POST is 502, and no backend sees the POST twice (${post.length})`, async (t) => {
    const seen: RawMessage[] = [];
    const { client } = await setUp(t, [staleAfterOne(seen), staleAfterOne(seen)]);
    for (let index = 0; index < 2; index += 1) {
      client.send(GET);
      await client.message();
    }
    client.send(post);
    assert.match((await client.message()).startLine, / 502 /);
    assert.equal(seen.filter((request) => request.startLine.startsWith('POST')).length, 1);
  });
}

test('a response cut in its head on a kept connection is a reset, not a stale connection', async (t) => {
  const { gateway, client } = await setUp(t, [
    async (peer) => {
      await peer.message();
      peer.send(response('ok'));
      await peer.message();
      peer.send('HTTP/1.1 200 O');
      await new Promise((resolve) => setTimeout(resolve, 20));
      peer.end();
    },
  ]);
  client.send(GET);
  await client.message();
  client.send(GET);
  assert.match((await client.message()).startLine, / 502 /);
  assert.deepEqual(await errorsOf(gateway, 2), ['reset']);
});

test('a reset after the request was sent: GET goes to another endpoint, POST does not', async (t) => {
  const { gateway, client } = await setUp(t, [resetting, ok]);
  client.send(GET);
  assert.equal((await client.message()).body, 'ok');
  assert.deepEqual(await errorsOf(gateway), ['reset', null]);
  const [line] = gateway.log;
  assert.notEqual(line?.upstream[0]?.['addr'], line?.upstream[1]?.['addr']);
  const second = await setUp(t, [resetting, resetting]);
  second.client.send(EMPTY_POST);
  assert.match((await second.client.message()).startLine, / 502 /);
  assert.deepEqual(await errorsOf(second.gateway), ['reset']);
});

test('POST is repeated where the policy says so for all methods', async (t) => {
  const { gateway, client } = await setUp(t, [resetting, ok], { retry: { on: { nonIdempotent: true } } });
  client.send(EMPTY_POST);
  assert.equal((await client.message()).body, 'ok');
  assert.deepEqual(await errorsOf(gateway), ['reset', null]);
});

test('nothing is repeated once body has gone to a backend', async (t) => {
  const swallow: Script = async (peer) => {
    await peer.until('body');
    peer.reset();
  };
  const { gateway, client } = await setUp(t, [swallow, swallow], { retry: { on: { nonIdempotent: true } } });
  client.send(POST.replace('POST', 'PUT'));
  assert.match((await client.message()).startLine, / 502 /);
  assert.deepEqual(await errorsOf(gateway), ['reset']);
});

test('a read timeout leads to another endpoint, and to 504 when there is none', async (t) => {
  const clock = createManualClock();
  const silent: Script = async (peer) => {
    await peer.until('\r\n\r\n');
    clock.advance(1_001);
  };
  const policy = { readTimeoutMs: 1_000 };
  const one = await setUp(t, [silent, ok], policy, clock);
  one.client.send(GET);
  assert.equal((await one.client.message()).body, 'ok');
  assert.deepEqual(await errorsOf(one.gateway), ['readTimeout', null]);
  const none = await setUp(t, [silent], policy, clock);
  none.client.send(GET);
  assert.match((await none.client.message()).startLine, / 504 /);
});

test('the policy bounds tries and the time of all together', async (t) => {
  const tries = await setUp(t, [resetting, resetting, ok], { retry: { tries: 2 } });
  tries.client.send(GET);
  assert.match((await tries.client.message()).startLine, / 502 /);
  assert.deepEqual(await errorsOf(tries.gateway), ['reset', 'reset']);
  const clock = createManualClock();
  const late: Script = async (peer) => {
    await peer.until('\r\n\r\n');
    clock.advance(500);
    peer.reset();
  };
  const time = await setUp(t, [late, late, ok], { retry: { tries: 0, totalMs: 1_000 } }, clock);
  time.client.send(GET);
  assert.match((await time.client.message()).startLine, / 502 /);
  assert.deepEqual(await errorsOf(time.gateway), ['reset', 'reset']);
});

test('a status the policy names leads to another endpoint; the last one is passed on as it is', async (t) => {
  const busy: Script = answering(() => response('busy', '503 Service Unavailable'));
  const policy = { retry: { on: { statuses: [503] } } };
  const one = await setUp(t, [busy, ok], policy);
  one.client.send(GET);
  assert.equal((await one.client.message()).body, 'ok');
  const lines = await one.gateway.logged(1);
  assert.deepEqual(lines[0]?.upstream.map((attempt) => attempt['status']), [503, 200]);
  const all = await setUp(t, [busy, busy], policy);
  all.client.send(GET);
  const answer = await all.client.message();
  assert.deepEqual([answer.startLine, answer.body], ['HTTP/1.1 503 Service Unavailable', 'busy']);
});

test('garbage instead of a response is 502 at once, and another endpoint is asked only where the policy says so', async (t) => {
  const garbage: Script = async (peer) => {
    await peer.message();
    peer.send('HTTP/2.0 yes\r\n\r\n');
  };
  const one = await setUp(t, [garbage, ok]);
  one.client.send(GET);
  const page = await one.client.message();
  assert.match(page.startLine, / 502 /);
  assert.ok(!page.body.includes('127.0.0.1'));
  const two = await setUp(t, [garbage, ok], { retry: { on: { invalidHeader: true } } });
  two.client.send(GET);
  assert.equal((await two.client.message()).body, 'ok');
});

test('a cluster without ready endpoints is 503', async (t) => {
  const { gateway, client } = await setUp(t, []);
  client.send(GET);
  assert.match((await client.message()).startLine, / 503 /);
  const [line] = await gateway.logged(1);
  assert.deepEqual([line?.answered_by, line?.upstream], ['noEndpoints', []]);
});
