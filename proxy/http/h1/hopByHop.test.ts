import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields } from '../fields.ts';
import { linesOf } from './fixture/eventLog.ts';
import { stripHopByHop } from './hopByHop.ts';

/** Names left of `lines`, each `Name: value`. */
function left(...lines: readonly string[]): string[] {
  const fields = new Fields();
  for (const line of lines) {
    const colon = line.indexOf(':');
    fields.append(line.slice(0, colon), line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  assert.equal(stripHopByHop(fields), fields);
  return linesOf(fields).map(([name]) => name);
}

test('fields of this hop go, fields for the far end stay', () => {
  const gone = [
    'Connection: keep-alive', 'Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive', 'TE: trailers', 'Trailer: x',
    'Transfer-Encoding: chunked',
    'Upgrade: websocket', 'Content-Length: 5', 'HTTP2-Settings: AAMAAABk', 'Proxy: http://a.test',
    'Expect: 100-continue',
  ];
  const kept = [
    'Host: a.test', 'Proxy-Authenticate: Basic', 'Proxy-Authorization: Basic x', 'Content-Type: a/b',
    'Max-Forwards: 5', 'Via: 1.1 a',
  ];
  assert.deepEqual(left(...gone, ...kept), kept.map((line) => line.slice(0, line.indexOf(':'))));
});

test('fields that Connection names go, in any line, case and spacing', () => {
  assert.deepEqual(left('X-A: 1', 'Connection: close,x-a ,\tX-B', 'X-B: 1', 'CONNECTION: X-C', 'x-c: 1', 'X-C: 2', 'X-D: 1'), ['X-D']);
  assert.deepEqual(left('Connection: keep-alive', 'Connection: X-A', 'X-A: 1'), []);
  assert.deepEqual(left('Connection: Authorization, Cookie', 'Authorization: x', 'Cookie: a', 'X-A: 1'), ['X-A']);
});

test('Connection cannot take Host away', () => {
  assert.deepEqual(left('Host: a.test', 'Connection: Host, X-A, Content-Length', 'X-A: 1', 'Content-Length: 5'), ['Host']);
});

test('empty and absurd options name nothing', () => {
  assert.deepEqual(left('X-A: 1', `Connection: , ,;, "x-a",${'x'.repeat(10_000)},${','.repeat(10_000)}`, 'X-B: 1'), ['X-A', 'X-B']);
});
