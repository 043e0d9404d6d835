import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_EXTENSION_BYTES } from './chunkHeader.ts';
import type { RequestEvent } from './events.ts';
import { TEST_LIMITS } from './fixture/eventLog.ts';
import { RequestDecoder } from './requestDecoder.ts';

const HEAD = 'GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n';

function decoderWith(raw: string): RequestDecoder {
  const decoder = new RequestDecoder(TEST_LIMITS);
  decoder.push(Buffer.from(raw, 'latin1'));
  return decoder;
}

function typesOf(decoder: RequestDecoder): string[] {
  const types: string[] = [];
  for (let event = decoder.next(); event !== null; event = decoder.next()) types.push(event.type);
  return types;
}

function dataOf(event: RequestEvent | null): Buffer {
  assert.equal(event?.type, 'data');
  return event?.type === 'data' ? event.chunk : Buffer.alloc(0);
}

test('pipelined requests wait until they are asked for', () => {
  const decoder = decoderWith(HEAD + HEAD);
  assert.equal(decoder.next()?.type, 'head');
  assert.equal(decoder.next()?.type, 'end');
  assert.equal(decoder.buffered, HEAD.length);
  assert.equal(decoder.idle, true);
  assert.deepEqual(typesOf(decoder), ['head', 'end']);
  assert.equal(decoder.buffered, 0);
});

test('a body is handed on as views of the octets pushed', () => {
  const decoder = decoderWith('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n');
  assert.deepEqual(typesOf(decoder), ['head']);
  const whole = Buffer.from('01234');
  decoder.push(whole);
  assert.equal(dataOf(decoder.next()), whole);
  const mixed = Buffer.from('56789GET');
  decoder.push(mixed);
  const part = dataOf(decoder.next());
  assert.equal(part.toString(), '56789');
  assert.equal(part.buffer, mixed.buffer);
  assert.deepEqual(typesOf(decoder), ['end']);
});

test('octets pushed while nobody pulls are kept in order', () => {
  const decoder = decoderWith('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chu');
  for (const part of ['nked\r\n\r\n', '2\r\nab\r', '\n2\r\ncd', '\r\n0\r\n', '\r\n', HEAD]) decoder.push(Buffer.from(part));
  assert.deepEqual(typesOf(decoder), ['head', 'data', 'data', 'end', 'head', 'end']);
});

test('idle, buffered and messageBytes follow a request through', () => {
  const decoder = new RequestDecoder(TEST_LIMITS);
  assert.deepEqual([decoder.idle, decoder.buffered, decoder.messageBytes], [true, 0, 0]);
  decoder.push(Buffer.from('\r\n'));
  assert.equal(decoder.next(), null);
  assert.deepEqual([decoder.idle, decoder.buffered, decoder.messageBytes], [true, 0, 0]);
  decoder.push(Buffer.from('POST / HTT'));
  assert.equal(decoder.next(), null);
  assert.deepEqual([decoder.idle, decoder.buffered, decoder.messageBytes], [false, 10, 10]);
  decoder.push(Buffer.from('P/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'));
  assert.deepEqual(typesOf(decoder), ['head']);
  assert.deepEqual([decoder.idle, decoder.buffered, decoder.messageBytes], [false, 0, 56]);
  decoder.push(Buffer.from('2\r\nab\r\n0\r\nX-A: 1\r\n'));
  assert.deepEqual(typesOf(decoder), ['data']);
  assert.equal(decoder.messageBytes, 56 + 18);
  decoder.push(Buffer.from(`\r\n${HEAD}`));
  assert.equal(decoder.next()?.type, 'end');
  assert.deepEqual([decoder.idle, decoder.buffered, decoder.messageBytes], [true, HEAD.length, 56 + 20]);
});

test('behind an upgrade request the rest is taken as it came', () => {
  const decoder = decoderWith('GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\r\n\x81\x05he');
  assert.equal(decoder.next()?.type, 'head');
  assert.equal(decoder.next()?.type, 'end');
  decoder.push(Buffer.from('llo'));
  assert.equal(decoder.takeRest().toString('latin1'), '\r\n\x81\x05hello');
  assert.deepEqual([decoder.buffered, decoder.next(), decoder.finish()], [0, null, null]);
});

test('one request leaves nothing behind that counts for the next', () => {
  const extension = `;${'e'.repeat(MAX_EXTENSION_BYTES - 10)}`;
  const chunked = `POST /?q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1${extension}\r\na\r\n0\r\nX-A: 1\r\n\r\n`;
  const decoder = decoderWith(`\r\n\r\n${chunked}\r\n\r\n${chunked}\r\n${HEAD}GET /a|b HTTP/1.1\r\n`);
  assert.deepEqual(typesOf(decoder), ['head', 'data', 'end', 'head', 'data', 'end', 'head', 'end', 'error']);
});

test('nothing is read behind a request that closes the connection', () => {
  for (const raw of [HEAD.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'), 'GET / HTTP/1.0\r\n\r\n']) {
    const decoder = decoderWith(raw + HEAD);
    assert.deepEqual(typesOf(decoder), ['head', 'end']);
    decoder.push(Buffer.from(HEAD));
    assert.deepEqual([decoder.next(), decoder.finish(), decoder.buffered], [null, null, 0]);
    assert.equal(decoder.messageBytes, raw.length);
  }
});

test('after an error nothing is read and nothing kept', () => {
  const decoder = decoderWith(`${HEAD}GET\0${HEAD}`);
  assert.deepEqual(typesOf(decoder), ['head', 'end', 'error']);
  decoder.push(Buffer.from(HEAD));
  assert.deepEqual([decoder.next(), decoder.finish(), decoder.buffered], [null, null, 0]);
});

test('finish gives what is left before it judges the end', () => {
  const decoder = decoderWith(`${HEAD}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab`);
  const types: string[] = [];
  for (let event = decoder.finish(); event !== null; event = decoder.finish()) types.push(event.type);
  assert.deepEqual(types, ['head', 'end', 'head', 'data', 'error']);
});

test('views of a body outlive whatever is pushed later', () => {
  const decoder = decoderWith('POST / HTTP/1.1\r\nHost: a\r\nContent-');
  assert.equal(decoder.next(), null);
  decoder.push(Buffer.from('Length: 4\r\n\r\nping'));
  assert.equal(decoder.next()?.type, 'head');
  const data = dataOf(decoder.next());
  assert.equal(decoder.next()?.type, 'end');
  for (const part of ['GET /', 'b'.repeat(500), ' HTTP/1.1\r\n', 'Host: a\r\n\r\n']) {
    decoder.push(Buffer.from(part));
    decoder.next();
  }
  assert.equal(data.toString(), 'ping');
});

test('a head of 60,000 octets that come one by one is read whole', () => {
  const decoder = new RequestDecoder({ ...TEST_LIMITS, headerBytes: 65_536, headerCount: 1000 });
  decoder.push(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n'));
  for (let octets = 0; octets < 60_000; octets += 1) {
    decoder.push(Buffer.from(octets % 100 === 99 ? '\n' : octets % 100 === 98 ? '\r' : octets % 100 === 1 ? ':' : 'a'));
    assert.equal(decoder.next(), null);
  }
  decoder.push(Buffer.from('\r\n'));
  const head = decoder.next();
  assert.equal(head?.type === 'head' ? head.fields.size : 0, 601);
});
