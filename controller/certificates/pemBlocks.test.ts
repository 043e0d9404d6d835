import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pemBlocks } from './pemBlocks.ts';

const block = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----`;

test('blocks are found in order with text and blank lines around them', () => {
  const text = `subject=x\n${block('CERTIFICATE')}\r\n\r\nnotes\n${block('RSA PRIVATE KEY')}\n`;
  assert.deepEqual(pemBlocks(text, 10), [
    { label: 'CERTIFICATE', text: block('CERTIFICATE') },
    { label: 'RSA PRIVATE KEY', text: block('RSA PRIVATE KEY') },
  ]);
});

test('no more blocks than asked for are returned', () => {
  assert.equal(pemBlocks(`${block('CERTIFICATE')}\n`.repeat(50), 7).length, 7);
});

test('a block without its end line, an indented one and one with an endless label give nothing', () => {
  for (const text of ['-----BEGIN CERTIFICATE-----\nAAAA', `  ${block('CERTIFICATE')}`, '-----BEGIN ', block('X'.repeat(65)), '']) {
    assert.deepEqual(pemBlocks(text, 10), [], JSON.stringify(text.slice(0, 40)));
  }
});

test('a text of nothing but begin lines is scanned once, not once per line', () => {
  const text = '-----BEGIN CERTIFICATE-----\n'.repeat(20_000);
  assert.deepEqual(pemBlocks(text, 1_000_000), []);
});
