import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_EXTENSION_BYTES } from './chunkHeader.ts';
import { TEST_LIMITS, requestLog } from './fixture/eventLog.ts';
import { RequestDecoder } from './requestDecoder.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Events behind the head. */
function bodyLog(body: string, limits = TEST_LIMITS): readonly string[] {
  return requestLog([Buffer.from(HEAD + body, 'latin1')], limits).slice(1);
}

test('chunks are joined, extensions forgotten', () => {
  assert.deepEqual(bodyLog('3\r\nabc\r\n00000A;a;b=c;d="e;\\"\t";f\r\n0123456789\r\n0;z\r\n\r\n'), ['data abc0123456789', 'end']);
  assert.deepEqual(bodyLog('0000000000000000\r\n\r\n'), ['end']);
});

test('size lines off the grammar are refused', () => {
  const sizes = [
    '', ' 1', '1 ', '1\t', '+1', '-1', '0x1', '1h', '1,1', '1;', '1;;a', '1; a', '1;a b', '1;a=', '1;=b', '1;a="b',
    '1;a="b"c', '1;a="\0"', '1 ;a',
  ];
  for (const size of sizes) assert.match(bodyLog(`${size}\r\nx\r\n0\r\n\r\n`).at(-1) ?? '', /^error 400/, size);
});

test('line ends other than CRLF are refused wherever they stand', () => {
  for (const body of [
    '1\nx\r\n', '1\rx', '1\r\r\n', '1;a\nb\r\n', '1;a\rb\r\n', '1\r\nx\n', '1\r\nx\r\r', '1\r\nxy', '1\r\nx\r\n\r\n',
    '0\n\n', '0\r\n\n', '0\r\n\r\r',
  ]) {
    const log = bodyLog(body);
    assert.match(log.at(-1) ?? '', /^error 400 (?!connection ended)/, JSON.stringify(body));
    assert.ok(!log.includes('end'));
  }
});

test('a size has at most 16 digits and fits a double exactly', () => {
  const last = 'connection ended';
  assert.match(bodyLog('1fffffffffffff\r\nab').at(-1) ?? '', new RegExp(last));
  for (const size of ['20000000000000', 'ffffffffffffffff', '00000000000000001', '10000000000000000']) {
    assert.match(bodyLog(`${size}\r\nab`).at(-1) ?? '', /chunk size out of range/, size);
  }
});

test('extensions are bounded over the whole message', () => {
  const extension = `;${'a'.repeat(99)}`;
  // The CR that ends an extension counts with it.
  const most = Math.floor(MAX_EXTENSION_BYTES / 100);
  assert.equal(bodyLog(`${`1${extension}\r\nx\r\n`.repeat(most)}0\r\n\r\n`).at(-1), 'end');
  assert.match(bodyLog(`${`1${extension}\r\nx\r\n`.repeat(most + 2)}0\r\n\r\n`).at(-1) ?? '', /extensions too long/);
});

test('trailers keep to the limits of a head', () => {
  const limits = { ...TEST_LIMITS, headerCount: 3, headerBytes: 100 };
  assert.equal(bodyLog('0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n', limits).at(-1), 'end [["A","1"],["B","2"],["C","3"]]');
  assert.match(bodyLog('0\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n', limits).at(-1) ?? '', /^error 431/);
  assert.match(bodyLog(`0\r\nA: ${'1'.repeat(100)}\r\n\r\n`, limits).at(-1) ?? '', /^error 431/);
  for (const trailer of ['A : 1', 'A', ' A: 1', 'A: 1\r\n 2', 'A: \0', ': 1']) {
    assert.match(bodyLog(`0\r\n${trailer}\r\n\r\n`).at(-1) ?? '', /^error 400/, trailer);
  }
});

test('trailers that would change what the message meant are dropped', () => {
  const forbidden = [
    'Content-Length', 'Transfer-Encoding', 'Host', 'Authorization', 'Cookie', 'Set-Cookie', 'Content-Type',
    'Content-Encoding', 'TE', 'Trailer',
    'Connection', 'Upgrade', 'X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'If-Match', 'Range', 'Cache-Control',
    'Proxy-Authorization', 'Expect',
    'X_Sum', 'Location', 'Sec-WebSocket-Key',
  ];
  const lines = forbidden.map((name) => `${name}: 1\r\n`).join('');
  assert.deepEqual(bodyLog(`0\r\n${lines}\r\n`), ['end']);
  const log = bodyLog(`0\r\n${lines}Content-Digest: 1\r\nGrpc-Status: 0\r\n\r\n`);
  assert.deepEqual(log, ['end [["Content-Digest","1"],["Grpc-Status","0"]]']);
});

test('tiny chunks come in few pieces, large ones as views', () => {
  const decoder = new RequestDecoder(TEST_LIMITS);
  const large = 'b'.repeat(300);
  const octets = Buffer.from(`${HEAD}${'1\r\na\r\n'.repeat(3000)}12c\r\n${large}\r\n1\r\nc\r\nZ`);
  decoder.push(octets);
  assert.equal(decoder.next()?.type, 'head');
  const pieces: Buffer[] = [];
  let event = decoder.next();
  for (; event?.type === 'data'; event = decoder.next()) pieces.push(event.chunk);
  assert.deepEqual(pieces.map(String), ['a'.repeat(3000), large, 'c']);
  assert.equal(pieces[1]?.buffer, octets.buffer);
  assert.equal(event?.type, 'error');
  assert.equal(decoder.next(), null);
});
