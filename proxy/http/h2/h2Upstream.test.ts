import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream, type ServerOptions } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { createManualClock } from '../../../core/time/manualClock.ts';
import { Deadlines } from '../../limits/deadlines.ts';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import type { H1UpstreamOptions } from '../h1/h1Upstream.ts';
import { AskedRequest, CLEARTEXT_HTTP2, headOf, targetOf, upstreamOptions } from '../testing/askUpstream.ts';
import type { UpstreamHead, UpstreamTarget } from '../upstream.ts';
import { H2Upstream } from './h2Upstream.ts';

after(assertNothingOpen);

type Answer = (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void;

interface Backend {
  readonly upstream: H2Upstream;
  readonly server: Http2Server;
  readonly sessions: ServerHttp2Session[];
  readonly target: UpstreamTarget;
  readonly ask: (head?: UpstreamHead, sendsBody?: boolean, target?: UpstreamTarget) => AskedRequest;
}

async function setUp(t: TestContext, answer: Answer, own: { server?: ServerOptions; upstream?: Partial<H1UpstreamOptions> } = {}): Promise<Backend> {
  const server = createServer(own.server ?? {});
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: Record<string, unknown>) => {
    stream.on('error', () => {});
    answer(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream = new H2Upstream(upstreamOptions(own.upstream));
  t.after(async () => {
    upstream.close();
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, 'close');
  });
  const target = targetOf((server.address() as AddressInfo).port, CLEARTEXT_HTTP2);
  const ask = (head = headOf(), sendsBody = false, at = target): AskedRequest => new AskedRequest(upstream, at, head, sendsBody);
  return { upstream, server, sessions, target, ask };
}

const ok: Answer = (stream) => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

test('a request becomes one stream with everything the head says, and its response comes back as a head and a body', async (t) => {
  const seen: Record<string, unknown>[] = [];
  const { ask, upstream, target } = await setUp(t, (stream, headers) => {
    seen.push({ ...headers });
    stream.respond({ ':status': 201, 'x-answer': 'caf\u00e9', 'set-cookie': ['a=1', 'b=2'], 'content-length': 2 });
    stream.end('ok');
  });
  const head = headOf({ target: '/a?b', acceptsTrailers: true }, [['X-One', 'caf\u00e9'], ['Cookie', 'a=1'], ['Cookie', 'b=2'], ['Host', 'evil.test']]);
  const asked = ask(head);
  assert.equal(await asked.over(), 201);
  assert.deepEqual([asked.body, asked.head?.bodyLength, asked.head?.fields.get('x-answer')], ['ok', 2, 'caf\u00e9']);
  assert.deepEqual(asked.head?.fields.getAll('set-cookie'), ['a=1', 'b=2']);
  assert.equal(asked.head?.fields.get('content-length'), undefined);
  assert.equal(asked.trailers, null);
  const { ':method': method, ':path': path, ':authority': authority, ':scheme': scheme, 'x-one': one, cookie, te, host } = seen[0] ?? {};
  assert.deepEqual({ method, path, authority, scheme, one, cookie, te, host }, {
    method: 'GET', path: '/a?b', authority: 'gw.test', scheme: 'http', one: 'caf\u00e9', cookie: 'a=1; b=2', te: 'trailers', host: undefined,
  });
  await idle(upstream, target, 1);
});

test('a body goes both ways, trailers come back, and the response may come before the request has ended', async (t) => {
  const { ask } = await setUp(t, (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('data', (chunk: Buffer) => stream.write(`<${chunk.toString()}>`));
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '7', 'x-real-ip': '6' }));
    stream.on('end', () => stream.end());
  });
  const asked = ask(headOf({ method: 'POST', bodyLength: null }), true);
  await asked.until('ready');
  asked.request.write(Buffer.from('one'));
  await asked.until('data');
  assert.equal(asked.body, '<one>');
  asked.request.write(Buffer.from('two'));
  asked.request.end(null);
  assert.equal(await asked.over(), 200);
  assert.deepEqual([asked.body, asked.trailers?.get('grpc-status'), asked.trailers?.size], ['<one><two>', '7', 1]);
});

test('a response of trailers alone, as gRPC sends errors, is a head without a body', async (t) => {
  const { ask } = await setUp(t, (stream) => stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true }));
  const asked = ask();
  assert.equal(await asked.over(), 200);
  assert.deepEqual([asked.head?.fields.get('grpc-status'), asked.head?.bodyLength, asked.trailers], ['5', 0, null]);
});

test('1xx responses and 100 come before the head', async (t) => {
  const { ask } = await setUp(t, (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a>' });
    ok(stream, {});
  });
  const asked = ask(headOf({ method: 'PUT', bodyLength: 2, expectsContinue: true }), true);
  await asked.until('ready');
  await asked.until('head');
  asked.request.write(Buffer.from('hi'));
  asked.request.end(null);
  await asked.over();
  assert.deepEqual(asked.said.slice(0, 3), ['ready', 'info 103', 'head 200']);
});

test('a thousand streams at once are served by as many sessions as the backend needs for them', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const { ask, sessions, upstream, target } = await setUp(t, (stream) => {
    held.push(stream);
    if (held.length === 1000) for (const each of held) ok(each, {});
  }, { server: { settings: { maxConcurrentStreams: 250 } } });
  const asked = Array.from({ length: 1000 }, () => ask());
  assert.deepEqual(new Set(await Promise.all(asked.map((each) => each.over()))), new Set([200]));
  assert.ok(sessions.length >= 4 && sessions.length <= 10, `${sessions.length} sessions`);
  assert.ok(upstream.idleConnections(target.key) <= 10);
});

test('a full session is not given another stream: it waits, or gets a session of its own', async (t) => {
  let open = 0;
  let most = 0;
  const { ask, sessions } = await setUp(t, (stream) => {
    open += 1;
    most = Math.max(most, open / sessions.length);
    stream.on('close', () => (open -= 1));
    setImmediate(() => ok(stream, {}));
  }, { server: { settings: { maxConcurrentStreams: 2 } } });
  await Promise.all(Array.from({ length: 60 }, () => ask().over()));
  assert.ok(most <= 2, `${most} per session`);
  assert.ok(sessions.length <= 60);
});

test('streams above the last id of a GOAWAY are said to be unsent, those below it go on, and new ones get a new session', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const { ask, sessions, target } = await setUp(t, (stream) => void held.push(stream));
  const asked = [ask(), ask(), ask()];
  await Promise.all(asked.map((each) => each.until('ready')));
  while (held.length < 3) await new Promise(setImmediate);
  sessions[0]?.goaway(constants.NGHTTP2_NO_ERROR, held[1]?.id ?? 0);
  const lost = await asked[2]?.over();
  assert.deepEqual(lost, { code: 'stale', detail: 'the backend refused the stream', sent: false });
  const again = ask(headOf(), false, { ...target, reuse: false });
  while (held.length < 4) await new Promise(setImmediate);
  assert.equal(sessions.length, 2);
  for (const each of [held[0], held[1], held[3]]) if (each !== undefined) ok(each, {});
  assert.deepEqual(await Promise.all([asked[0]?.over(), asked[1]?.over(), again.over()]), [200, 200, 200]);
});

test('a refused stream is said to be unsent; refused again on the second try it is a reset', async (t) => {
  const { ask, target } = await setUp(t, (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  assert.deepEqual(await ask().over(), { code: 'stale', detail: 'the backend refused the stream', sent: false });
  const second = await ask(headOf(), false, { ...target, reuse: false }).over();
  assert.deepEqual(second, { code: 'reset', detail: 'the backend refused the stream', sent: false });
});

test('a connection that closes in the middle of a body is never its end', async (t) => {
  const { ask, sessions } = await setUp(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('half');
  });
  const asked = ask();
  await asked.until('data');
  sessions[0]?.destroy();
  assert.deepEqual(await asked.over(), { code: 'reset', detail: 'the connection closed in the middle', sent: true });
  assert.ok(!asked.said.includes('end'));
});

test('a kept session that closes under a request is stale', async (t) => {
  let first = true;
  const { ask, sessions } = await setUp(t, (stream) => {
    if (first) ok(stream, {});
    else sessions[0]?.destroy();
    first = false;
  });
  assert.equal(await ask().over(), 200);
  assert.deepEqual(await ask().over(), { code: 'stale', detail: 'the connection closed in the middle', sent: true });
});

test('giving up cancels the stream, and what was sent of the body never looks complete', async (t) => {
  const seen: string[] = [];
  const closed = Promise.withResolvers<number>();
  const { ask } = await setUp(t, (stream) => {
    stream.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
    stream.on('end', () => seen.push(stream.rstCode === 0 ? 'end' : 'cut'));
    stream.on('aborted', () => seen.push('aborted'));
    stream.on('close', () => closed.resolve(stream.rstCode ?? -1));
  });
  const asked = ask(headOf({ method: 'POST', bodyLength: null }), true);
  await asked.until('ready');
  asked.request.write(Buffer.from('half'));
  while (seen.length === 0) await new Promise(setImmediate);
  asked.request.write(Buffer.from('more'));
  asked.request.abort();
  assert.equal(await closed.promise, constants.NGHTTP2_CANCEL);
  assert.ok(!seen.includes('end') && seen.includes('aborted'), seen.join());
  assert.deepEqual(asked.said, ['ready']);
});

test('a response that ends before its request stops the rest of the request', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { ask } = await setUp(t, (stream) => {
    stream.on('close', closed.resolve);
    ok(stream, {});
  });
  const asked = ask(headOf({ method: 'POST', bodyLength: null }), true);
  assert.equal(await asked.over(), 200);
  await closed.promise;
});

test('a caller that holds the response back stalls its own stream and no other', async (t) => {
  const size = 4 * 1024 * 1024;
  const streams: ServerHttp2Stream[] = [];
  const { ask } = await setUp(t, (stream) => {
    streams.push(stream);
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(size, 'x'));
  });
  const slow = ask();
  slow.takes = false;
  await slow.until('data');
  const fast = ask();
  assert.equal(await fast.over(), 200);
  assert.equal(fast.body.length, size);
  assert.equal(slow.said.filter((each) => each.startsWith('data')).length, 1);
  assert.ok(slow.body.length < size / 8, `${slow.body.length} octets delivered`);
  assert.ok((streams[0]?.writableLength ?? 0) > size / 2, 'the backend is held back');
  slow.takes = true;
  slow.request.resumeResponse();
  assert.equal(await slow.over(), 200);
  assert.equal(slow.body.length, size);
});

test('a backend that takes no body holds its sender back, until it takes more', async (t) => {
  const size = 2 * 1024 * 1024;
  let received = 0;
  let stream: ServerHttp2Stream | null = null;
  const { ask } = await setUp(t, (each) => {
    stream = each;
  });
  const asked = ask(headOf({ method: 'POST', bodyLength: size }), true);
  await asked.until('ready');
  let sent = 0;
  while (sent < size && asked.request.write(Buffer.alloc(16_384))) sent += 16_384;
  assert.ok(sent < size / 2, `${sent} octets taken`);
  while (stream === null) await new Promise(setImmediate);
  const taking = stream as ServerHttp2Stream;
  taking.on('data', (chunk: Buffer) => (received += chunk.length));
  taking.on('end', () => ok(taking, {}));
  await asked.until('writable');
  for (sent += 16_384; sent < size; sent += 16_384) asked.request.write(Buffer.alloc(16_384));
  asked.request.end(null);
  assert.equal(await asked.over(), 200);
  assert.equal(received, size);
});

test('an idle session closes after the idle timeout, one that is spent after its last stream', async (t) => {
  const clock = createManualClock();
  const deadlines = new Deadlines(clock);
  const keepAlive = (): ReturnType<H1UpstreamOptions['keepAlive']> => ({ connections: 10, idleTimeoutMs: 1000, requests: 2, maxAgeMs: 60_000 });
  const { ask, upstream, target, sessions } = await setUp(t, ok, { upstream: { clock, deadlines, keepAlive } });
  await ask().over();
  await idle(upstream, target, 1);
  clock.advance(1001);
  deadlines.sweep();
  await idle(upstream, target, 0);
  await gone(upstream);
  await ask().over();
  await ask().over();
  await gone(upstream);
  assert.equal(sessions.length, 2);
});

test('sessions to an endpoint that leaves close once what they carry is over', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const { ask, upstream, target } = await setUp(t, (stream) => void held.push(stream));
  const asked = ask();
  while (held.length === 0) await new Promise(setImmediate);
  upstream.retire(target.endpoint);
  ok(held[0] as ServerHttp2Stream, {});
  assert.equal(await asked.over(), 200);
  await gone(upstream);
});

test('a request begun in the very turn in which its endpoint leaves is answered', async (t) => {
  const { ask, upstream, target } = await setUp(t, (stream) => ok(stream, {}));
  assert.equal(await ask().over(), 200);
  const asked = ask(headOf({ method: 'POST' }));
  await asked.until('ready');
  upstream.retire(target.endpoint);
  assert.equal(await asked.over(), 200);
  await gone(upstream);
});

test('the timeouts of a try: connect, read and send', async (t) => {
  const clock = createManualClock();
  const deadlines = new Deadlines(clock);
  const { ask } = await setUp(t, (stream, headers) => {
    if (headers[':path'] === '/head') stream.respond({ ':status': 200 });
  }, { upstream: { clock, deadlines } });
  const silent = ask();
  const begun = ask(headOf({ target: '/head' }));
  const streaming = ask(headOf({ method: 'POST', target: '/head', bodyLength: null }), true);
  const uploading = ask(headOf({ method: 'POST', bodyLength: 10_000_000 }), true);
  await Promise.all([silent.until('ready'), begun.until('head'), streaming.until('head'), uploading.until('ready')]);
  while (uploading.request.write(Buffer.alloc(65_536)));
  clock.advance(4999);
  streaming.request.write(Buffer.from('still here'));
  deadlines.sweep();
  assert.equal(silent.error, null);
  clock.advance(1);
  deadlines.sweep();
  assert.deepEqual([silent, begun, streaming, uploading].map((each) => each.error?.code), ['readTimeout', 'readTimeout', undefined, 'sendTimeout']);
  streaming.request.abort();
});

test('a request to upgrade becomes an extended CONNECT, and its stream a tunnel with halves of their own', async (t) => {
  let seen: Record<string, unknown> = {};
  const { ask } = await setUp(t, (stream, headers) => {
    seen = { ...headers };
    stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    stream.on('data', (chunk: Buffer) => stream.write(`<${chunk.toString()}>`));
    stream.on('end', () => stream.end('bye'));
  }, { server: { settings: { enableConnectProtocol: true } } });
  const asked = ask(headOf({ upgrade: 'websocket', target: '/ws' }, [['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='], ['Sec-WebSocket-Version', '13']]));
  await asked.until('upgrade');
  assert.deepEqual([seen[':method'], seen[':protocol'], seen['sec-websocket-key'], seen['sec-websocket-version']], ['CONNECT', 'websocket', undefined, '13']);
  assert.deepEqual([asked.head?.status, asked.head?.fields.get('sec-websocket-accept')], [101, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
  const got: string[] = [];
  const closed = Promise.withResolvers<void>();
  asked.tunnel?.start({ onData: (chunk) => got.push(chunk.toString()), onEnd: () => got.push('end'), onWritable: () => {}, onClose: closed.resolve });
  asked.tunnel?.write(Buffer.from('hi'));
  while (got.length === 0) await new Promise(setImmediate);
  asked.tunnel?.end();
  await closed.promise;
  assert.equal(got.join(''), '<hi>byeend');
});

test('a backend without extended CONNECT is not asked to upgrade, and its session stays', async (t) => {
  const { ask, upstream, target } = await setUp(t, ok);
  const asked = ask(headOf({ upgrade: 'websocket' }));
  const error = await asked.over();
  assert.deepEqual(error, { code: 'invalidResponse', detail: 'the backend takes no extended CONNECT (RFC 8441)', sent: false });
  assert.equal(await ask().over(), 200);
  await idle(upstream, target, 1);
});

test('a try that nobody wants any more before there is a connection leaves nothing behind', async (t) => {
  const { ask, upstream } = await setUp(t, ok);
  const asked = ask();
  asked.request.abort();
  await gone(upstream);
  assert.deepEqual(asked.said, []);
});

async function idle(upstream: H2Upstream, target: UpstreamTarget, count: number): Promise<void> {
  while (upstream.idleConnections(target.key) !== count) await new Promise(setImmediate);
}

async function gone(upstream: H2Upstream): Promise<void> {
  while (upstream.poolCount > 0) await new Promise(setImmediate);
}
