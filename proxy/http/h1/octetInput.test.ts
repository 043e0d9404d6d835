import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OctetInput } from './octetInput.ts';

function reachOf(input: OctetInput): string {
  return input.octets.toString('latin1', input.start, input.end);
}

test('a chunk is used where it lies and let go of once consumed', () => {
  const input = new OctetInput();
  const chunk = Buffer.from('abc');
  input.push(chunk);
  assert.equal(input.octets, chunk);
  input.consume(3);
  assert.deepEqual([input.octets.length, input.buffered, input.consumed, input.more()], [0, 0, 3, false]);
});

test('an element across chunks is brought into one piece, and the octets before it stay as they were', () => {
  const input = new OctetInput();
  for (const text of ['abc', 'def', 'ghi']) input.push(Buffer.from(text));
  input.consume(1);
  const view = input.octets;
  assert.equal(input.more() && reachOf(input), 'bcdef');
  assert.equal(input.more() && reachOf(input), 'bcdefghi');
  assert.equal(input.more(), false);
  assert.equal(view.toString(), 'abc');
  assert.deepEqual([input.buffered, input.consumed], [8, 1]);
});

test('copies stay linear in the octets that come one by one, and room in proportion to them', () => {
  const input = new OctetInput();
  input.push(Buffer.from('a'));
  const rooms = new Set<Buffer>();
  for (let octets = 1; octets < 60_000; octets += 1) {
    input.push(Buffer.from('a'));
    assert.equal(input.more(), true);
    rooms.add(input.octets);
    assert.ok(input.octets.length <= octets * 2 + 8192);
  }
  assert.ok(rooms.size < 20, `${rooms.size} buffers for 60,000 octets`);
  assert.equal(input.buffered, 60_000);
});

test('the rest comes in one piece, in order', () => {
  const input = new OctetInput();
  for (const text of ['abc', '', 'def', 'g']) input.push(Buffer.from(text));
  input.consume(2);
  assert.equal(input.takeRest().toString(), 'cdefg');
  assert.deepEqual([input.buffered, input.takeRest().length], [0, 0]);
  input.push(Buffer.from('h'));
  assert.equal(reachOf(input), 'h');
});
