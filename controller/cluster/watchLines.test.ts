import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeError, type WatchEvent } from './kubeApi.ts';
import { WatchLines } from './watchLines.ts';

const EVENTS: readonly WatchEvent[] = [
  { type: 'ADDED', object: { metadata: { name: 'ä€😀', resourceVersion: '1' } } },
  { type: 'BOOKMARK', object: {} },
  { type: 'ERROR', object: null },
];
const TEXT = Buffer.from(EVENTS.map((event) => `${JSON.stringify(event)}\n`).join(''));

function decode(chunks: readonly Buffer[], maxLineBytes?: number): WatchEvent[] {
  const lines = new WatchLines(maxLineBytes);
  const events = chunks.flatMap((chunk) => [...lines.push(chunk)]);
  lines.end();
  return events;
}

function refusal(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KubeError && error.code === code && message.test(error.message);
}

test('events come out whole however the octets are split in two', () => {
  for (let at = 0; at <= TEXT.length; at += 1) assert.deepEqual(decode([TEXT.subarray(0, at), TEXT.subarray(at)]), EVENTS);
});

test('events come out whole when every octet comes alone', () => {
  assert.deepEqual(decode([...TEXT].map((octet) => Buffer.of(octet))), EVENTS);
});

test('empty lines and carriage returns are no events', () => {
  assert.deepEqual(decode([Buffer.from('\n{"type":"A","object":1}\r\n\n')]), [{ type: 'A', object: 1 }]);
});

test('a watch that ends within a line, at any octet, is broken', () => {
  const line = Buffer.from('{"type":"A","object":1}\n');
  for (let length = 1; length < line.length; length += 1) {
    assert.throws(() => decode([line.subarray(0, length)]), refusal('unreachable', /within an event/));
  }
});

test('a line of the largest size is taken, one octet more is refused before its end', () => {
  const line = Buffer.from('{"type":"A","object":1}');
  assert.equal(decode([line, Buffer.from('\n')], line.length).length, 1);
  const lines = new WatchLines(line.length - 1);
  assert.throws(() => [...lines.push(line)], refusal('server', /larger than 22 bytes/));
});

test('an oversized line is refused when it comes in small parts', () => {
  const lines = new WatchLines(10);
  const push = (): unknown => [...lines.push(Buffer.from('xxxx'))];
  push();
  push();
  assert.throws(push, refusal('server', /larger/));
});

test('what is no JSON is refused without being quoted', () => {
  assert.throws(() => decode([Buffer.from('{"secret-token\n')]), (error: unknown) => {
    assert.ok(refusal('server', /is no JSON/)(error));
    return !(error as Error).message.includes('secret') && (error as Error).cause === undefined;
  });
});

test('octets that are not UTF-8 are refused', () => {
  assert.throws(() => decode([Buffer.from([0x22, 0xc3, 0x28, 0x22, 0x0a])]), refusal('server', /not UTF-8/));
});

test('JSON of another shape is refused', () => {
  for (const text of ['1', 'null', '[]', '"x"', '{}', '{"type":1,"object":1}', '{"type":"A"}']) {
    assert.throws(() => decode([Buffer.from(`${text}\n`)]), refusal('server', /no type or no object/));
  }
});

test('events before a broken one are still delivered', () => {
  const seen: WatchEvent[] = [];
  const lines = new WatchLines();
  assert.throws(() => {
    for (const event of lines.push(Buffer.from('{"type":"A","object":1}\nbroken\n'))) seen.push(event);
  });
  assert.equal(seen.length, 1);
});
