import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assembleBpf, type BpfStep } from './bpfProgram.ts';
import { interpretBpf } from './testing/interpretBpf.ts';

const FACTS = { packetType: 0, interfaceIndex: 7 };

test('steps become struct sock_filter: code, jumps, operand, little-endian', () => {
  const program = assembleBpf([
    { type: 'load', octets: 2, offset: 12 },
    { type: 'jump', test: 'equal', value: 0x0806, whenFalse: 'foreign' },
    { type: 'return', octets: 2048 },
    { type: 'label', name: 'foreign' },
    { type: 'return', octets: 0 },
  ]);
  // As tcpdump -dd prints `arp`, but for the length.
  assert.equal(program.toString('hex'), ['2800 00 00 0c000000', '1500 00 01 06080000', '0600 00 00 00080000', '0600 00 00 00000000']
    .join('').replaceAll(' ', ''));
});

const between = (first: number, last: number): readonly BpfStep[] => [
  { type: 'load', octets: 1, offset: 0 },
  { type: 'jump', test: 'greaterOrEqual', value: first, whenFalse: 'outside' },
  { type: 'jump', test: 'greater', value: last, whenTrue: 'outside' },
  { type: 'return', octets: 1 },
  { type: 'label', name: 'outside' },
  { type: 'return', octets: 0 },
];

test('comparisons are unsigned and include what they say', () => {
  const program = assembleBpf(between(3, 200));
  const taken = Array.from({ length: 256 }, (_, value) => value).filter((value) => interpretBpf(program, Buffer.from([value]), FACTS) === 1);
  assert.deepEqual([taken[0], taken.at(-1), taken.length], [3, 200, 198]);
});

test('a load beyond the end drops the frame', () => {
  const program = assembleBpf([{ type: 'load', octets: 4, offset: 2 }, { type: 'return', octets: 9 }]);
  assert.equal(interpretBpf(program, Buffer.alloc(5), FACTS), 0);
  assert.equal(interpretBpf(program, Buffer.alloc(6), FACTS), 6);
});

test('facts are loaded in place of octets, and masks apply', () => {
  const program = assembleBpf([
    { type: 'loadFact', fact: 'interfaceIndex' },
    { type: 'and', mask: 6 },
    { type: 'jump', test: 'equal', value: 6, whenFalse: 'other' },
    { type: 'return', octets: 1 },
    { type: 'label', name: 'other' },
    { type: 'return', octets: 0 },
  ]);
  assert.equal(interpretBpf(program, Buffer.alloc(1), { packetType: 0, interfaceIndex: 7 }), 1);
  assert.equal(interpretBpf(program, Buffer.alloc(1), { packetType: 7, interfaceIndex: 9 }), 0);
});

const jumpOver = (steps: number): readonly BpfStep[] => [
  { type: 'load', octets: 1, offset: 0 },
  { type: 'jump', test: 'equal', value: 1, whenTrue: 'end' },
  ...Array.from({ length: steps }, (): BpfStep => ({ type: 'return', octets: 0 })),
  { type: 'label', name: 'end' },
  { type: 'return', octets: 1 },
];

test('a jump leads at most 255 steps forward, never back and never to a label that is missing or stands twice', () => {
  assert.equal(interpretBpf(assembleBpf(jumpOver(255)), Buffer.from([1]), FACTS), 1);
  assert.throws(() => assembleBpf(jumpOver(256)), RangeError);
  const jump: BpfStep = { type: 'jump', test: 'equal', value: 1, whenTrue: 'end' };
  const end: BpfStep = { type: 'label', name: 'end' };
  assert.throws(() => assembleBpf([jump]), RangeError);
  assert.throws(() => assembleBpf([end, jump]), RangeError);
  assert.throws(() => assembleBpf([jump, end, end]), RangeError);
});

test('a program has at most 4096 steps', () => {
  const steps = (count: number): readonly BpfStep[] => Array.from({ length: count }, () => ({ type: 'return', octets: 0 }));
  assert.equal(assembleBpf(steps(4096)).length, 4096 * 8);
  assert.throws(() => assembleBpf(steps(4097)), RangeError);
});
