import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogBuffer } from './logBuffer.ts';
import { escapeText } from './logEscape.ts';

const textOf = (fill: (buffer: LogBuffer) => void): string => {
  const buffer = new LogBuffer();
  fill(buffer);
  return Buffer.from(buffer.take()).toString('latin1');
};

test('a value is escaped as escapeText escapes it, wherever the first unsafe character stands', () => {
  for (const value of ['', 'plain', '"', 'a\\b', '\u0000', 'caf\u00e9 and \u20ac', 'x'.repeat(300), `${'x'.repeat(300)}\n${'\u00ff'.repeat(300)}`]) {
    assert.equal(textOf((buffer) => buffer.addEscaped(value)), escapeText(value));
  }
});

test('every octet as a value stays on its line and in its field', () => {
  for (let code = 0; code < 256; code += 1) {
    const text = textOf((buffer) => buffer.addEscaped(String.fromCharCode(code)));
    assert.equal(text, escapeText(String.fromCharCode(code)));
    assert.match(text, /^[ -~]+$/);
  }
});

test('whole numbers are printed as String prints them', () => {
  for (const value of [0, 7, 9, 10, 99, 100, 65_535, 2 ** 31, 2 ** 32 + 1, 10 ** 15, Number.MAX_SAFE_INTEGER]) {
    assert.equal(textOf((buffer) => buffer.addInteger(value)), String(value));
  }
});

test('seconds have three decimals, cut and never negative', () => {
  const seconds = (ms: number): string => textOf((buffer) => buffer.addSeconds(ms));
  assert.deepEqual([0, 4.9, 61_020, -3, 999, 1000].map(seconds), ['0.000', '0.004', '61.020', '0.000', '0.999', '1.000']);
});

test('a line longer than the buffer makes it grow, and taking the line makes it small again', () => {
  const buffer = new LogBuffer();
  buffer.add('start ').addEscaped('\n'.repeat(100_000)).add(' end');
  assert.equal(buffer.length, 'start '.length + 400_000 + ' end'.length);
  const text = Buffer.from(buffer.take()).toString('latin1');
  assert.ok(text.startsWith('start \\x0A') && text.endsWith('\\x0A end'));
  assert.equal(buffer.length, 0);
  assert.equal(Buffer.from(buffer.add('next').take()).toString('latin1'), 'next');
});

test('a taken batch has memory of its own', () => {
  const buffer = new LogBuffer();
  const first = buffer.add('one').take();
  const second = buffer.add('two').take();
  assert.equal(first.buffer.byteLength, 3);
  assert.deepEqual([first, second].map((bytes) => Buffer.from(bytes).toString('latin1')), ['one', 'two']);
});
