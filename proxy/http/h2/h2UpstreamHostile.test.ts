import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import { startRawBackend, type RawBackend } from '../../testing/rawBackend.ts';
import type { RawPeer } from '../../testing/rawPeer.ts';
import { AskedRequest, CLEARTEXT_HTTP2, headOf, targetOf, upstreamOptions } from '../testing/askUpstream.ts';
import type { UpstreamError } from '../upstream.ts';
import { H2Upstream } from './h2Upstream.ts';

after(assertNothingOpen);

const PREFACE_BYTES = 24;
const HEADERS = 1;
const END_HEADERS = 4;
const END_STREAM = 1;
/** `:status: 200` of the static table (RFC 7541 appendix A). */
const OK = '\x88';

function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

function frame(type: number, flags: number, streamId: number, payload: string): string {
  return `${uint32(payload.length).slice(1)}${String.fromCharCode(type, flags)}${uint32(streamId)}${payload}`;
}

/** A literal field line without indexing, lengths below 127. */
function line(name: string, value: string): string {
  return `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
}

/** Resolves once the client has sent HEADERS of a request; true when they carry END_STREAM. */
async function requestCame(peer: RawPeer): Promise<void> {
  for (;;) {
    for (let at = PREFACE_BYTES; at + 9 <= peer.received.length; ) {
      const length = (peer.received.charCodeAt(at) << 16) | (peer.received.charCodeAt(at + 1) << 8) | peer.received.charCodeAt(at + 2);
      if (peer.received.charCodeAt(at + 3) === HEADERS) return;
      at += 9 + length;
    }
    if (peer.closed) return;
    await new Promise(setImmediate);
  }
}

/** A backend that says its SETTINGS, and to the first request what `answer` gives. */
async function backendSaying(t: TestContext, answer: string, then?: (peer: RawPeer) => void): Promise<RawBackend> {
  const backend = await startRawBackend(async (peer) => {
    peer.send(frame(4, 0, 0, ''));
    await requestCame(peer);
    peer.send(answer);
    then?.(peer);
  });
  t.after(() => backend.close());
  return backend;
}

async function ask(t: TestContext, backend: RawBackend): Promise<AskedRequest> {
  const upstream = new H2Upstream(upstreamOptions());
  t.after(() => upstream.close());
  const asked = new AskedRequest(upstream, targetOf(backend.port, CLEARTEXT_HTTP2), headOf());
  await asked.over();
  return asked;
}

async function errorOf(t: TestContext, answer: string): Promise<UpstreamError | null> {
  return (await ask(t, await backendSaying(t, answer))).error;
}

const malformed: readonly (readonly [string, string])[] = [
  ['no :status', line('x', 'y')],
  ['a :status that is no number', line(':status', 'abc')],
  ['a :status of two digits', line(':status', '20')],
  [':status twice', OK + OK],
  [':status behind a field', line('x', 'y') + OK],
  ['a pseudo-header field of requests', OK + line(':path', '/')],
  ['an upper-case name', OK + line('X-Upper', 'y')],
  ['connection', OK + line('connection', 'close')],
  ['transfer-encoding', OK + line('transfer-encoding', 'chunked')],
  ['upgrade', OK + line('upgrade', 'h2c')],
  ['101', line(':status', '101')],
  ['two content-lengths', OK + line('content-length', '1') + line('content-length', '1')],
  ['a content-length that is no number', OK + line('content-length', '+1')],
];

for (const [name, block] of malformed) {
  test(`a response with ${name} is invalid`, async (t) => {
    const error = await errorOf(t, frame(HEADERS, END_HEADERS, 1, block) + frame(0, END_STREAM, 1, 'x'));
    assert.deepEqual([error?.code, error?.sent], ['invalidResponse', true], error?.detail ?? 'taken');
  });
}

// nghttp2 takes such lines out before anybody sees them: what is left is well-formed.
const neverDelivered: readonly (readonly [string, string])[] = [
  ['an empty name', OK + line('', 'y')],
  ['CR in a value', OK + line('x', 'a\rb')],
  ['LF in a value', OK + line('x', 'a\nb')],
  ['NUL in a value', OK + line('x', 'a\0b')],
  ['space around a value', OK + line('x', ' a')],
];

for (const [name, block] of neverDelivered) {
  test(`a field line with ${name} is never delivered`, async (t) => {
    const asked = await ask(t, await backendSaying(t, frame(HEADERS, END_HEADERS | END_STREAM, 1, block)));
    assert.deepEqual([asked.error, asked.head?.status, asked.head?.fields.size], [null, 200, 0]);
  });
}

test('a body of another length than content-length is never delivered as whole', async (t) => {
  for (const body of ['x', 'xxx']) {
    const asked = await ask(t, await backendSaying(t, frame(HEADERS, END_HEADERS, 1, OK + line('content-length', '2')) + frame(0, END_STREAM, 1, body)));
    assert.equal(asked.error?.code, 'invalidResponse', asked.error?.detail ?? 'taken');
    assert.ok(!asked.said.includes('end'));
  }
});

test('a response that RST_STREAM with NO_ERROR cuts short is no whole one', async (t) => {
  const asked = await ask(t, await backendSaying(t, frame(HEADERS, END_HEADERS, 1, OK) + frame(0, 0, 1, 'half') + frame(3, 0, 1, uint32(0))));
  assert.deepEqual([asked.body, asked.error?.code, asked.said.includes('end')], ['half', 'reset', false]);
});

test('a stream that RST_STREAM with NO_ERROR ends before its head is over at once', async (t) => {
  const error = await errorOf(t, frame(3, 0, 1, uint32(0)));
  assert.deepEqual(error, { code: 'reset', detail: 'the stream was reset with NO_ERROR', sent: true });
});

test('a connection that ends inside a body is no whole response', async (t) => {
  const asked = await ask(t, await backendSaying(t, frame(HEADERS, END_HEADERS, 1, OK) + frame(0, 0, 1, 'half'), (peer) => peer.end()));
  assert.deepEqual([asked.body, asked.error?.code, asked.said.includes('end')], ['half', 'reset', false]);
});

test('trailers with a pseudo-header field, and a second response, are invalid', async (t) => {
  for (const block of [OK, line(':path', '/')]) {
    const error = await errorOf(t, frame(HEADERS, END_HEADERS, 1, OK) + frame(HEADERS, END_HEADERS | END_STREAM, 1, block));
    assert.equal(error?.code, 'invalidResponse');
  }
});

test('a header section above the limits is refused, not stored', async (t) => {
  const many = OK + line('x', 'y').repeat(150);
  const large = OK + line('x', 'y'.repeat(120)).repeat(90).repeat(4);
  for (const block of [many, large]) {
    const error = await errorOf(t, frame(HEADERS, END_HEADERS, 1, block));
    assert.equal(error?.code, 'invalidResponse', error?.detail ?? 'taken');
  }
});

test('a header section without an end loses the connection', async (t) => {
  const endless = frame(HEADERS, 0, 1, OK) + frame(9, 0, 1, line('x', 'y')).repeat(64);
  const error = await errorOf(t, endless);
  assert.equal(error?.code, 'invalidResponse', error?.detail ?? 'taken');
});

test('more 1xx responses than anybody needs are refused', async (t) => {
  const error = await errorOf(t, frame(HEADERS, END_HEADERS, 1, line(':status', '103')).repeat(40));
  assert.deepEqual([error?.code, error?.detail], ['invalidResponse', 'too many 1xx responses (RFC 9110 15.2)']);
});

const lost: readonly (readonly [string, string])[] = [
  ['DATA without octets and without an end, over and over', frame(HEADERS, END_HEADERS, 1, OK) + frame(0, 0, 1, '').repeat(2000)],
  ['a WINDOW_UPDATE above the largest window', frame(8, 0, 0, uint32(0x7fffffff)).repeat(2)],
  ['a frame larger than allowed', frame(0, 0, 1, 'x'.repeat(20_000))],
  ['HPACK off the grammar', frame(HEADERS, END_HEADERS, 1, '\xff\xff\xff\xff\xff')],
];

for (const [name, answer] of lost) {
  test(`${name} loses the connection`, async (t) => {
    const error = await errorOf(t, answer);
    assert.equal(error?.code, 'invalidResponse', error?.detail ?? 'taken');
  });
}

test('a pushed response is refused, and the one that was asked for is taken', async (t) => {
  const push = frame(5, END_HEADERS, 1, `${uint32(2)}\x82\x84\x86${line(':authority', 'gw.test')}`) + frame(HEADERS, END_HEADERS, 2, OK);
  const backend = await backendSaying(t, push + frame(HEADERS, END_HEADERS | END_STREAM, 1, OK));
  const asked = await ask(t, backend);
  assert.deepEqual([asked.error, asked.said], [null, ['ready', 'head 200', 'end']]);
});

test('a backend that floods with PING and reads nothing is cut', async (t) => {
  const backend = await backendSaying(t, '', (peer) => {
    peer.socket.pause();
    const flood = frame(6, 0, 0, '12345678').repeat(20_000);
    const more = (): void => {
      if (!peer.socket.destroyed) peer.socket.write(flood, 'latin1', more);
    };
    more();
  });
  const asked = await ask(t, backend);
  assert.ok(asked.error, 'it ends');
});

test('a backend that does not speak HTTP/2 is told by its first octets, and gets no request', async (t) => {
  const backend = await startRawBackend((peer) => peer.send('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
  t.after(() => backend.close());
  const { error } = await ask(t, backend);
  assert.deepEqual([error?.code, error?.sent], ['invalidResponse', false]);
  assert.match(error?.detail ?? '', /does not speak HTTP\/2/);
});

test('a GOAWAY with an error loses what the backend had begun, and says of the rest that it was not sent', async (t) => {
  const goaway = frame(7, 0, 0, uint32(0) + uint32(2));
  assert.deepEqual(await errorOf(t, goaway), { code: 'stale', detail: 'the backend refused the stream', sent: false });
  const begun = await errorOf(t, frame(7, 0, 0, uint32(1) + uint32(2)));
  assert.deepEqual([begun?.code, begun?.sent], ['reset', true]);
});

test('an endpoint that refuses connections, and one that closes without a word', async (t) => {
  const refusing = await startRawBackend();
  await refusing.refuse();
  assert.equal((await ask(t, refusing)).error?.code, 'connectFailed');
  const silent = await startRawBackend((peer) => peer.end());
  t.after(() => silent.close());
  const { error } = await ask(t, silent);
  assert.deepEqual([error?.code, error?.sent], ['reset', false]);
});
