import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import { Fields } from '../fields.ts';
import { block, data, frame, headers, integer, request, reset, settings, text, uint32, windowUpdate, type Lines } from './fixture/rawFrames.ts';
import type { RawH2Client } from './fixture/rawH2Client.ts';
import { answer, startH2Server, type H2ServerOptions, type RunningH2Server } from './fixture/startH2Server.ts';
import { FLOOD_LIMITS } from './floodGuard.ts';
import { ERROR_CODE, FLAG, FRAME } from './frames.ts';

after(assertNothingOpen);

async function open(t: TestContext, options: H2ServerOptions = {}): Promise<{ server: RunningH2Server; client: RawH2Client }> {
  const server = await startH2Server(t, options);
  return { server, client: await server.connect() };
}

const times = (count: number, make: (index: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
const POST = request({ ':method': 'POST' });
const streamId = (index: number): number => 2 * index + 1;

/** What a flood is made of, once more than allowed; `GET` of stream 1 has been answered before. */
const FLOODS: readonly (readonly [string, (count: number) => Buffer, number])[] = [
  ['requests reset at once (CVE-2023-44487)', (count) => times(count, (n) => Buffer.concat([headers(streamId(n), POST, false), reset(streamId(n))])), FLOOD_LIMITS.reset.burst],
  ['requests made to be reset (CVE-2025-8671)', (count) => times(count, (n) => Buffer.concat([headers(streamId(n), POST, false), windowUpdate(streamId(n), 0)])), FLOOD_LIMITS.reset.burst],
  ['malformed requests', (count) => times(count, (n) => headers(streamId(n), request({ ':scheme': undefined }))), FLOOD_LIMITS.reset.burst],
  ['SETTINGS (CVE-2019-9515)', (count) => times(count, () => settings()), FLOOD_LIMITS.settings.burst],
  ['PING (CVE-2019-9512)', (count) => times(count, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))), FLOOD_LIMITS.control.burst],
  ['unknown frames', (count) => times(count, () => frame(0x77, 0, 1)), FLOOD_LIMITS.control.burst],
  ['PRIORITY (CVE-2019-9513)', (count) => times(count, () => frame(FRAME.priority, 0, 1, Buffer.alloc(5))), FLOOD_LIMITS.priority.burst],
  ['DATA without octets (CVE-2019-9518)', (count) => Buffer.concat([headers(1, POST, false), times(count, () => data(1, ''))]), FLOOD_LIMITS.empty.burst],
  ['WINDOW_UPDATE', (count) => times(count, () => windowUpdate(0, 1)), FLOOD_LIMITS.windowUpdate.burst],
];

for (const [what, make, burst] of FLOODS) {
  test(`a flood of ${what} ends in ENHANCE_YOUR_CALM, and is told once`, async (t) => {
    const { server, client } = await open(t);
    client.open(make(burst + 2));
    assert.equal(await client.goAwayCode(), ERROR_CODE.enhanceYourCalm);
    assert.equal(server.rejections.filter(({ error }) => error.detail.startsWith('too many')).length, 1);
    assert.ok(server.handlers.every(({ said }) => said.some((word) => word.startsWith('abort'))), 'work under way is given up');
  });

  test(`half as much of ${what} is taken, and again after a while`, async (t) => {
    const { server, client } = await open(t, { handle: (exchange, handler) => (handler.onBodyEnd = () => answer(exchange)) });
    const half = Math.floor(burst / 2);
    client.open(make(half));
    const next = streamId(burst);
    client.send(headers(next, request()));
    assert.equal((await client.head(next))[':status'], '200');
    server.clock.advance(5_000);
    assert.equal(client.closed, false);
  });
}

test('a field block without an end is bounded in CONTINUATION frames (VU#421644)', async (t) => {
  const { client } = await open(t);
  client.open(frame(FRAME.headers, 0, 1, block(request())), times(20, () => frame(FRAME.continuation, 0, 1)));
  assert.equal(await client.goAwayCode(), ERROR_CODE.enhanceYourCalm);
});

test('a field block without an end is bounded in octets', async (t) => {
  const { client } = await open(t);
  const part = block([['x', 'y'.repeat(16_000)]]);
  client.open(frame(FRAME.headers, 0, 1, block(request())), times(8, () => frame(FRAME.continuation, 0, 1, part)));
  assert.equal(await client.goAwayCode(), ERROR_CODE.enhanceYourCalm);
});

test('a field block that takes too long ends the connection', async (t) => {
  const { server, client } = await open(t);
  client.open(headers(1, POST, false), frame(FRAME.headers, 0, 3, block(request())));
  await server.until(() => server.handlers.length === 1);
  server.clock.advance(10_001);
  server.deadlines.sweep();
  await client.goAwayCode();
  assert.equal(server.rejections.at(-1)?.error.status, 408);
});

test('a value put into the table once and named thousands of times is 431, and the tables still agree', async (t) => {
  const { server, client } = await open(t, { handle: (exchange, handler) => (handler.onBodyEnd = () => answer(exchange)) });
  const bomb = Buffer.concat([block(request()), Buffer.from([0x40]), text('x'), text('y'.repeat(4000)), Buffer.alloc(10_000, 0x80 | 62)]);
  client.open(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, bomb));
  assert.equal((await client.head(1))[':status'], '431');
  client.send(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 3, Buffer.concat([block(request()), Buffer.from([0x80 | 62])])));
  assert.equal((await client.head(3))[':status'], '200');
  assert.equal(server.handlers[0]?.exchange.request.fields.get('x')?.length, 4000);
});

for (const [what, octets] of [
  ['an index behind the table', Buffer.from([0x80 | 62])],
  ['index 0', Buffer.from([0x80])],
  ['an endless integer', Buffer.alloc(20, 0xff)],
  ['a size update above the limit', integer(4097, 5, 0x20)],
  ['a size update behind a field', Buffer.from([0x82, 0x20])],
  ['three size updates', Buffer.from([0x20, 0x20, 0x20])],
  ['a string cut short', Buffer.from([0x00, 0x05, 0x61])],
  ['Huffman padding of zeros', Buffer.from([0x00, 0x81, 0x00, 0x00])],
  ['Huffman end of string', Buffer.from([0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00])],
  ['Huffman padding of an octet', Buffer.from([0x00, 0x82, 0x1f, 0xff, 0x00])],
] as const) {
  test(`HPACK: ${what} is COMPRESSION_ERROR`, async (t) => {
    const { client } = await open(t);
    client.open(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, octets));
    assert.equal(await client.goAwayCode(), ERROR_CODE.compressionError);
  });
}

const ODD: Lines = request();
/** RFC 9113: each is an error of the connection. */
const BROKEN: readonly (readonly [string, keyof typeof ERROR_CODE, Buffer])[] = [
  ['a frame above 16 KiB', 'frameSizeError', Buffer.concat([Buffer.from([0, 0x40, 1, 0, 0, 0, 0, 0, 1])])],
  ['DATA on stream 0', 'protocolError', data(0, 'x')],
  ['DATA on an idle stream', 'protocolError', data(1, 'x')],
  ['HEADERS on stream 0', 'protocolError', headers(0, ODD)],
  ['HEADERS on an even stream', 'protocolError', headers(2, ODD)],
  ['HEADERS on a stream that has ended', 'streamClosed', Buffer.concat([headers(5, ODD), headers(3, ODD)])],
  ['RST_STREAM on an idle stream', 'protocolError', reset(1)],
  ['WINDOW_UPDATE on an idle stream', 'protocolError', windowUpdate(1, 1)],
  ['WINDOW_UPDATE of 0 on the connection', 'protocolError', windowUpdate(0, 0)],
  ['a window above 2^31-1', 'flowControlError', windowUpdate(0, 0x7fffffff)],
  ['PUSH_PROMISE', 'protocolError', frame(FRAME.pushPromise, 0, 1, Buffer.alloc(4))],
  ['CONTINUATION without a block', 'protocolError', frame(FRAME.continuation, 0, 1)],
  ['a frame inside a block', 'protocolError', Buffer.concat([frame(FRAME.headers, 0, 1, block(ODD)), frame(FRAME.ping, 0, 0, Buffer.alloc(8))])],
  ['padding longer than the frame', 'protocolError', frame(FRAME.headers, FLAG.padded, 1, Buffer.from([9]))],
  ['PING of seven octets', 'frameSizeError', frame(FRAME.ping, 0, 0, Buffer.alloc(7))],
  ['PING on a stream', 'protocolError', frame(FRAME.ping, 0, 1, Buffer.alloc(8))],
  ['SETTINGS cut short', 'frameSizeError', frame(FRAME.settings, 0, 0, Buffer.alloc(5))],
  ['SETTINGS ACK with a payload', 'frameSizeError', frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(6))],
  ['SETTINGS_ENABLE_PUSH of 2', 'protocolError', settings([[2, 2]])],
  ['SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1', 'flowControlError', settings([[4, 0x80000000]])],
  ['SETTINGS_MAX_FRAME_SIZE below 2^14', 'protocolError', settings([[5, 100]])],
  ['33 settings in one frame (CVE-2020-11080)', 'enhanceYourCalm', settings(Array.from({ length: 33 }, () => [1, 4096] as const))],
  ['PRIORITY of four octets', 'frameSizeError', frame(FRAME.priority, 0, 1, Buffer.alloc(4))],
  ['a stream that depends on itself', 'protocolError', frame(FRAME.priority, 0, 1, Buffer.concat([uint32(1), Buffer.alloc(1)]))],
];

for (const [what, code, octets] of BROKEN) {
  test(`${what} ends the connection with ${code}`, async (t) => {
    const { client } = await open(t);
    client.open(octets);
    assert.equal(await client.goAwayCode(), ERROR_CODE[code]);
  });
}

for (const octets of ['GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r']) {
  test(`${JSON.stringify(octets.slice(0, 14))} without a sound preface ends the connection`, async (t) => {
    const { client } = await open(t);
    client.send(Buffer.from(octets));
    assert.equal(await client.goAwayCode(), ERROR_CODE.protocolError);
  });
}

test('streams above the limit are refused, and may be sent again', async (t) => {
  const { server, client } = await open(t, { http2: { maxConcurrentStreams: 2 } });
  client.open(headers(1, POST, false), headers(3, POST, false), headers(5, POST, false));
  assert.equal(await client.resetCode(5), ERROR_CODE.refusedStream);
  assert.equal(server.handlers.length, 2);
});

test('DATA above the window of a stream resets it; above that of the connection ends the connection', async (t) => {
  const { server, client } = await open(t, { handle: (_, handler) => (handler.takesMore = false) });
  const piece = Buffer.alloc(16_384);
  client.open(headers(1, POST, false), times(6, () => data(1, piece)));
  assert.equal(await client.resetCode(1), ERROR_CODE.flowControlError);
  await server.until(() => server.handlers[0]?.said.includes('abort clientProtocolError') === true);
  client.send(times(20, (n) => Buffer.concat([headers(streamId(n + 2), POST, false), times(4, () => data(streamId(n + 2), piece))])));
  assert.equal(await client.goAwayCode(), ERROR_CODE.flowControlError);
});

test('a response that a closed window holds up is given up after sendTimeoutMs', async (t) => {
  const { server, client } = await open(t, {
    limits: { sendTimeoutMs: 5_000, bodyTimeoutMs: 100_000 },
    handle: (exchange) => {
      exchange.sendHead({ status: 200, reason: '', fields: new Fields(), bodyLength: null });
      assert.equal(exchange.write(Buffer.from('stuck')), false);
    },
  });
  client.open(settings([[4, 0]]), headers(1, request()));
  await client.head(1);
  server.clock.advance(5_001);
  server.deadlines.sweep();
  assert.equal(await client.resetCode(1), ERROR_CODE.cancel);
  assert.ok(server.handlers[0]?.said.includes('abort clientTimeout'));
});

test('a window opened octet by octet is a flood (CVE-2019-9511)', async (t) => {
  const { client } = await open(t, { handle: (exchange) => answer(exchange, 'x'.repeat(20_000)) });
  client.open(settings([[4, 0]]), headers(1, request()), times(FLOOD_LIMITS.crumb.burst + 2, () => windowUpdate(1, 1)));
  assert.equal(await client.goAwayCode(), ERROR_CODE.enhanceYourCalm);
});

test('a request body that stops is answered 408 after bodyTimeoutMs', async (t) => {
  const { server, client } = await open(t);
  client.open(headers(1, POST, false), data(1, 'a'));
  await server.until(() => server.handlers[0]?.body === 'a');
  server.clock.advance(10_001);
  server.deadlines.sweep();
  assert.equal((await client.head(1))[':status'], '408');
  assert.equal(await client.resetCode(1), ERROR_CODE.noError);
  assert.deepEqual(server.handlers[0]?.said, ['body 1', 'abort clientTimeout 408']);
});

test('answers that pile up for a client that reads nothing end the connection', async (t) => {
  const { server, client } = await open(t, { handle: (exchange) => answer(exchange, '', { 'x-long': 'y'.repeat(8_000) }) });
  client.socket.pause();
  client.open();
  for (let index = 0; index < 5_000 && server.rejections.length === 0; index += 1) {
    client.send(headers(streamId(index), request()));
    if (index % 50 === 0) await new Promise(setImmediate);
  }
  await server.until(() => server.rejections.length > 0 || server.connections.size === 0);
  assert.match(server.rejections[0]?.error.detail ?? '', /does not read/);
});
