import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHeadEvent } from './events.ts';
import { TEST_LIMITS, linesOf, requestLog } from './fixture/eventLog.ts';
import { RequestDecoder } from './requestDecoder.ts';

function headOf(raw: string): RequestHeadEvent {
  const decoder = new RequestDecoder(TEST_LIMITS);
  decoder.push(Buffer.from(raw, 'latin1'));
  const event = decoder.next();
  if (event?.type !== 'head') throw new Error(`no head: ${JSON.stringify(event)}`);
  return event;
}

function statusOf(raw: string, limits = TEST_LIMITS): number | null {
  const last = requestLog([Buffer.from(raw, 'latin1')], limits).at(-1) ?? '';
  return last.startsWith('error') ? Number(last.split(' ')[1]) : null;
}

function withLines(...lines: readonly string[]): string {
  return `POST /u HTTP/1.1\r\nHost: gw.test\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

test('a head keeps spelling, order and octets of its fields', () => {
  const head = headOf('GET /a?b HTTP/1.1\r\nHOST: Shop.Test\r\naccept:\t*/* \r\nX-Name: caf\xe9\t x\r\nAccept: a\r\n\r\n');
  assert.deepEqual(linesOf(head.fields), [
    ['HOST', 'Shop.Test'],
    ['accept', '*/*'],
    ['X-Name', 'caf\xe9\t x'],
    ['Accept', 'a'],
  ]);
  assert.deepEqual(head.fields.getAll('accept'), ['*/*', 'a']);
  assert.equal(head.authority, 'Shop.Test');
  assert.deepEqual([head.method, head.target, head.minorVersion, head.framing], ['GET', '/a?b', 1, { type: 'none' }]);
});

test('lines with an underscore in the name vanish', () => {
  const head = headOf(withLines('Content-Length: 0', 'Content_Length: 9', 'X_Real_IP: 1', '__proto__: x', 'constructor: y'));
  assert.deepEqual(head.fields.get('constructor'), 'y');
  assert.equal(head.fields.size, 3);
});

test('an absolute-form target replaces Host for everybody behind', () => {
  const head = headOf('GET http://gw.test/a HTTP/1.1\r\nX-A: 1\r\nHost: other.test\r\n\r\n');
  assert.deepEqual([head.authority, head.fields.getAll('host')], ['gw.test', ['gw.test']]);
  const old = headOf('GET http://gw.test HTTP/1.0\r\n\r\n');
  assert.deepEqual([old.authority, old.fields.get('host'), old.target], ['gw.test', 'gw.test', '/']);
  assert.equal(statusOf('GET http://gw.test/a HTTP/1.1\r\n\r\n'), 400);
  assert.equal(statusOf('GET http://gw.test/a HTTP/1.1\r\nHost: a, b\r\n\r\n'), 400);
});

test('HTTP/1.0 may leave Host out, and closes whatever it says', () => {
  assert.equal(headOf('GET / HTTP/1.0\r\n\r\n').authority, '');
  assert.equal(headOf('GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n').keepAlive, false);
  assert.equal(statusOf('GET / HTTP/1.0\r\nHost:\r\n\r\n'), 400);
  assert.equal(statusOf('GET / HTTP/1.0\r\nHost: a.test\r\nHost: a.test\r\n\r\n'), 400);
});

test('the first passable protocol is asked for, without h2c and only with its connection option', () => {
  const upgradeOf = (...lines: string[]): string | null => headOf(withLines(...lines)).upgrade;
  assert.equal(upgradeOf('Upgrade: WebSocket', 'Connection: keep-alive, Upgrade'), 'websocket');
  assert.equal(upgradeOf('Upgrade: h2c, SPDY/3.1', 'Connection: x', 'Connection: upgrade'), 'spdy/3.1');
  assert.equal(upgradeOf('Upgrade: H2C', 'Connection: Upgrade, HTTP2-Settings'), null);
  assert.equal(upgradeOf('Upgrade: h2c/1, , a b', 'Connection: upgrade'), null);
  assert.equal(upgradeOf('Upgrade: websocket'), null);
  assert.equal(upgradeOf('Upgrade: websocket', 'Connection: upgrade, close'), null);
  assert.equal(headOf('GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n').upgrade, null);
});

test('a request with a body never upgrades', () => {
  assert.equal(statusOf(withLines('Upgrade: websocket', 'Connection: upgrade', 'Transfer-Encoding: chunked')), 400);
  assert.equal(statusOf(withLines('Upgrade: websocket', 'Connection: upgrade', 'Content-Length: 4')), 400);
  assert.equal(headOf(withLines('Upgrade: spdy/3.1', 'Connection: upgrade', 'Content-Length: 4')).upgrade, null);
  assert.equal(headOf(withLines('Upgrade: spdy/3.1', 'Connection: upgrade', 'Content-Length: 0')).upgrade, 'spdy/3.1');
});

test('only 100-continue is expected of the proxy, and only where a body follows', () => {
  const expects = (...lines: string[]): boolean => headOf(withLines(...lines)).expectsContinue;
  assert.equal(expects('Expect: 100-Continue', 'Content-Length: 4'), true);
  assert.equal(expects('Expect: 100-continue', 'expect: 100-continue', 'Transfer-Encoding: chunked'), true);
  assert.equal(expects('Expect: 100-continue'), false);
  assert.equal(expects('Expect: 100-continue', 'Content-Length: 0'), false);
  assert.equal(headOf('POST / HTTP/1.0\r\nExpect: tea\r\nContent-Length: 4\r\n\r\n').expectsContinue, false);
  for (const value of [
    'tea', '', '100-continue, tea', '100-continue;a=b',
  ]) {
    assert.equal(statusOf(withLines(`Expect: ${value}`)), 417);
  }
});

test('framing that could be read in two ways is refused', () => {
  const refused: readonly (readonly [number, ...string[]])[] = [
    [400, 'Content-Length: 4', 'Content-Length: 4'],
    [400, 'Content-Length: 4, 4'],
    [400, 'Content-Length: 9007199254740992'],
    [400, 'Content-Length: 00000000000000004'],
    [400, 'Content-Length: 0', 'Transfer-Encoding: chunked'],
    [400, 'Transfer-Encoding:'],
    [400, 'Transfer-Encoding: identity'],
    [400, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
    [400, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    [400, 'Transfer-Encoding: chunked,'],
    [400, 'Transfer-Encoding: g z, chunked'],
    [501, 'Transfer-Encoding: gzip, chunked'],
    [501, 'Transfer-Encoding: identity', 'Transfer-Encoding: chunked'],
  ];
  for (const [status, ...lines] of refused) assert.equal(statusOf(withLines(...lines)), status, lines.join());
  const largest = { type: 'length', bytes: Number.MAX_SAFE_INTEGER };
  assert.deepEqual(headOf(withLines('Content-Length: 9007199254740991')).framing, largest);
  assert.deepEqual(headOf(withLines('Content-Length: 0012')).framing, { type: 'length', bytes: 12 });
  assert.deepEqual(headOf(withLines('transfer-encoding: \tCHUNKED \t')).framing, { type: 'chunked' });
});

test('each limit lets its own size pass and refuses one octet or line more', () => {
  const limits = { requestLineBytes: 30, fieldLineBytes: 20, headerBytes: 60, headerCount: 4 };
  const line = (bytes: number): string => `GET /${'a'.repeat(bytes - 'GET / HTTP/1.1'.length)} HTTP/1.1\r\nHost: a\r\n\r\n`;
  assert.equal(statusOf(line(30), limits), null);
  assert.equal(statusOf(line(31), limits), 414);
  assert.equal(statusOf(line(3000), limits), 414);
  const start = 'GET / HTTP/1.1\r\nHost: a\r\n';
  assert.equal(statusOf(`${start}X: ${'b'.repeat(17)}\r\n\r\n`, limits), null);
  assert.equal(statusOf(`${start}X: ${'b'.repeat(18)}\r\n\r\n`, limits), 431);
  assert.equal(statusOf(`${start}${'X'.repeat(22)}`, limits), 431);
  assert.equal(statusOf(`${start}${'A: 567890123456\r\n'.repeat(3)}\r\n`, limits), null);
  assert.equal(statusOf(`${start}${'A: 567890123456\r\n'.repeat(2)}A: 5678901234567\r\n\r\n`, limits), 431);
  assert.equal(statusOf(`${start}${'A:\r\n'.repeat(3)}\r\n`, limits), null);
  assert.equal(statusOf(`${start}${'_:\r\n'.repeat(4)}\r\n`, limits), 431);
});

test('methods are tokens of at most 32 octets, in the case they came', () => {
  assert.equal(headOf(`${'M'.repeat(32)} / HTTP/1.1\r\nHost: a\r\n\r\n`).method.length, 32);
  assert.equal(statusOf('M'.repeat(33)), 501);
  assert.equal(headOf('get / HTTP/1.1\r\nHost: a\r\n\r\n').method, 'get');
  for (const method of ['CONNECT', 'TRACE']) assert.equal(statusOf(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`), 501);
  for (const method of [
    '', 'G(T', 'G\0T', 'G:T', '\x16\x03\x01',
  ]) {
    assert.equal(statusOf(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`), 400);
  }
});

test('broken lines are refused as soon as they can be seen', () => {
  for (const raw of [
    'GET / HTTP/1.1\n', 'GET  /', 'GET\t', '\n', '\r\r', '\r\n\r\n\r\n', '\x16\x03', 'GET / HTTP/1.1\r\nHost : ',
    'GET / HTTP/1.1\r\n ',
  ]) {
    const fresh = new RequestDecoder(TEST_LIMITS);
    fresh.push(Buffer.from(raw, 'latin1'));
    assert.equal(fresh.next()?.type, 'error', JSON.stringify(raw));
    assert.equal(fresh.next(), null);
  }
});
