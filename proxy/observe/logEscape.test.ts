import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeJson, escapeText } from './logEscape.ts';

const allOctets = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');

test('every octet but printable ASCII, the quote and the backslash is written as nginx writes it', () => {
  for (let code = 0; code < 256; code += 1) {
    const plain = code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c;
    const hex = `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`;
    assert.equal(escapeText(String.fromCharCode(code)), plain ? String.fromCharCode(code) : hex);
  }
});

test('escaped text can be turned back into the octets received', () => {
  const back = escapeText(allOctets).replace(/\\x([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  assert.equal(back, allOctets);
});

test('characters beyond latin1 are written as the octets of their UTF-8 form', () => {
  assert.equal(escapeText('caf\u00e9 and \u20ac'), 'caf\\xE9 and \\xE2\\x82\\xAC');
});

test('JSON is ASCII for every octet and reads back to the same text', () => {
  const json = escapeJson({ value: `${allOctets}\u20ac\ud800` });
  assert.match(json, /^[ -~]*$/);
  assert.deepEqual(JSON.parse(json), { value: `${allOctets}\u20ac\ud800` });
});
