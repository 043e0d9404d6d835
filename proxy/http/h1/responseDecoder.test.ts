import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResponseEvent, ResponseHeadEvent } from './events.ts';
import { TEST_LIMITS, linesOf, responseLog } from './fixture/eventLog.ts';
import { ResponseDecoder } from './responseDecoder.ts';

function decoderFor(method: string, raw: string): ResponseDecoder {
  const decoder = new ResponseDecoder(TEST_LIMITS);
  decoder.expect(method);
  decoder.push(Buffer.from(raw, 'latin1'));
  return decoder;
}

function headOf(method: string, raw: string): ResponseHeadEvent {
  const event = decoderFor(method, raw).next();
  if (event?.type !== 'head') throw new Error(`no head: ${JSON.stringify(event)}`);
  return event;
}

function eventsOf(decoder: ResponseDecoder): ResponseEvent[] {
  const events: ResponseEvent[] = [];
  for (let event = decoder.next(); event !== null; event = decoder.next()) events.push(event);
  return events;
}

function isRefused(raw: string, method = 'GET'): boolean {
  return responseLog([Buffer.from(raw, 'latin1')], [method]).at(-1)?.startsWith('error 502') ?? false;
}

test('a status line keeps its reason phrase, which may be empty or missing', () => {
  const read = ['HTTP/1.1 200 OK', 'HTTP/1.0 404 ', 'HTTP/1.1 599', 'HTTP/1.1 200 caf\xe9  au lait\t'].map((line) => {
    const { status, reason, minorVersion } = headOf('GET', `${line}\r\nContent-Length: 0\r\n\r\n`);
    return [status, reason, minorVersion];
  });
  assert.deepEqual(read, [
    [200, 'OK', 1],
    [404, '', 0],
    [599, '', 1],
    [200, 'caf\xe9  au lait\t', 1],
  ]);
});

test('status lines off the grammar are refused', () => {
  for (const line of [
    '', ' HTTP/1.1 200 OK', '\r\nHTTP/1.1 200 OK', 'garbage', 'http/1.1 200 OK', 'HTTP/1.2 200 OK',
    'HTTP/2.0 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK', 'HTTP/1.1 099 OK', 'HTTP/1.1 2x0 OK', 'HTTP/1.1\t200 OK', 'HTTP/1.1 200\tOK',
    'HTTP/1.1 200 O\0K', 'HTTP/1.1 200 O\nK',
    'HTTP/1.1 200 O\rK', `HTTP/1.1 200 ${'a'.repeat(9000)}`, 'ICY 200 OK',
  ]) assert.ok(isRefused(`${line}\r\nContent-Length: 0\r\n\r\n`), JSON.stringify(line));
});

test('framing of a response that needs guessing is refused', () => {
  for (const lines of [
    'Content-Length: 1\r\nContent-Length: 1', 'Content-Length: 1, 1', 'Content-Length: ', 'Content-Length: -1',
    'Content-Length: 1\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: gzip', 'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: xchunked', 'Transfer-Encoding:',
  ]) {
    assert.ok(isRefused(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n0\r\n\r\n`), lines);
    assert.ok(isRefused(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`, 'HEAD'), `${lines} for HEAD`);
  }
  assert.ok(isRefused('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'));
});

test('field lines of a response are held to the rules for requests, but for whitespace before the colon', () => {
  for (const lines of [
    'X-A: 1\n', 'X-A: 1\r\n 2\r\n', ' X-A: 1\r\n', 'X-A\r\n', ': 1\r\n', 'X A: 1\r\n', 'X-A: \0\r\n', 'X-A: 1\r\r\n',
    `X-A: ${'1'.repeat(9000)}\r\n`,
  ]) {
    assert.ok(isRefused(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`), JSON.stringify(lines));
  }
  assert.ok(isRefused(`HTTP/1.1 200 OK\r\n${'X: 1\r\n'.repeat(101)}\r\n`));
  const head = headOf('GET', 'HTTP/1.1 200 OK\r\nContent-Length \t: 2\r\nX_A : 1\r\n\r\n');
  assert.deepEqual(linesOf(head.fields), [['Content-Length', '2'], ['X_A', '1']]);
  assert.deepEqual(head.framing, { type: 'length', bytes: 2 });
});

test('responses without a body end with their head whatever it says', () => {
  for (const [method, status, lines] of [
    ['HEAD', 200, 'Content-Length: 5'], ['HEAD', 200, 'Transfer-Encoding: chunked'], ['HEAD', 200, ''], ['GET', 304,
    'Content-Length: 5'], ['GET', 204, ''],
  ] as const) {
    const decoder = decoderFor(method, `HTTP/1.1 ${status} X\r\n${lines}${lines === '' ? '' : '\r\n'}\r\nhello`);
    const [head, ...rest] = eventsOf(decoder);
    assert.deepEqual(rest.map(({ type }) => type), ['end']);
    assert.equal(head?.type === 'head' && head.framing.type, 'none');
    assert.equal(decoder.buffered, 5);
  }
  assert.equal(headOf('HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n').declaredLength, 5);
});

test('a 204 that announces a body ends its connection', () => {
  for (const line of ['Content-Length: 4', 'Transfer-Encoding: chunked']) {
    assert.equal(headOf('GET', `HTTP/1.1 204 X\r\n${line}\r\n\r\n`).keepAlive, false);
  }
  assert.equal(headOf('GET', 'HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n').keepAlive, true);
});

test('persistence follows version, Connection and framing', () => {
  const persists = (head: string): boolean => headOf('GET', `${head}\r\n\r\n`).keepAlive;
  assert.equal(persists('HTTP/1.1 200 OK\r\nContent-Length: 0'), true);
  assert.equal(persists('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close'), false);
  assert.equal(persists('HTTP/1.1 200 OK'), false);
  assert.equal(persists('HTTP/1.0 200 OK\r\nContent-Length: 0'), false);
  assert.equal(persists('HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive'), true);
  assert.equal(persists('HTTP/1.0 200 OK\r\nConnection: keep-alive'), false);
});

test('informational heads come before the final one and are bounded', () => {
  const hints = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\n';
  const raw = `${hints}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na`;
  const decoder = decoderFor('GET', raw);
  const events = eventsOf(decoder);
  assert.deepEqual(events.map((event) => (event.type === 'head' ? event.status : event.type)), [100, 103, 200, 'data', 'end']);
  assert.equal(decoder.messageBytes, raw.length);
  assert.ok(isRefused('HTTP/1.1 102 Processing\r\n\r\n'.repeat(33)));
  const afterHint = decoderFor('GET', 'HTTP/1.1 103 Hints\r\n\r\n');
  assert.deepEqual(eventsOf(afterHint).length, 1);
  assert.equal(afterHint.finish(), null);
});

test('behind a 101 the rest belongs to the other protocol', () => {
  const decoder = decoderFor('GET', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\n\r\n');
  assert.equal(decoder.next()?.type, 'head');
  assert.equal(decoder.next(), null);
  decoder.push(Buffer.from('more'));
  assert.equal(decoder.next(), null);
  assert.equal(decoder.takeRest().toString(), 'HTTP/1.1 200 OK\r\n\r\nmore');
});

test('a response nobody asked for is never read as one', () => {
  const response = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  const decoder = decoderFor('GET', response + response);
  assert.deepEqual(eventsOf(decoder).map(({ type }) => type), ['head', 'end']);
  assert.equal(decoder.buffered, response.length);
  assert.equal(decoder.idle, false);
  decoder.expect('GET');
  const event = decoder.next();
  assert.equal(event?.type === 'error' ? event.error.status : 0, 502);
  assert.deepEqual([decoder.next(), decoder.finish(), decoder.buffered], [null, null, 0]);

  const early = new ResponseDecoder(TEST_LIMITS);
  early.push(Buffer.from(response));
  assert.equal(early.next(), null);
  early.expect('GET');
  assert.equal(early.next()?.type, 'error');
});

test('a connection carries one response after the other', () => {
  const decoder = new ResponseDecoder(TEST_LIMITS);
  for (let exchange = 0; exchange < 3; exchange += 1) {
    assert.equal(decoder.idle, true);
    decoder.expect('GET');
    assert.equal(decoder.idle, true);
    decoder.push(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'));
    assert.deepEqual(eventsOf(decoder).map(({ type }) => type), ['head', 'data', 'end']);
    assert.equal(decoder.messageBytes, 47 + 11);
    assert.deepEqual([decoder.finish(), decoder.buffered], [null, 0]);
  }
});

test('the close ends a body without length, and only such a body', () => {
  const log = (raw: string): readonly string[] => responseLog([Buffer.from(raw)], ['GET']);
  assert.deepEqual(log('HTTP/1.1 200 OK\r\n\r\nab').slice(1), ['data ab', 'end']);
  assert.deepEqual(log('HTTP/1.1 200 OK\r\n\r\n').slice(1), ['end']);
  assert.match(log('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab').at(-1) ?? '', /^error 502/);
  assert.match(log('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n').at(-1) ?? '', /^error 502/);
  assert.match(log('HTTP/1.1 200 O').at(-1) ?? '', /^error 502/);
  assert.deepEqual(log(''), []);
});
