import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeHuffman, mostDecodedBytes } from './huffman.ts';
import { HpackDecoder } from './hpackDecoder.ts';
import { encodeResponseBlock } from './hpackEncoder.ts';
import { Fields } from '../fields.ts';

/** RFC 7541 appendix C.4 and C.6. */
const VECTORS: readonly (readonly [string, string])[] = [
  ['f1e3c2e5f23a6ba0ab90f4ff', 'www.example.com'],
  ['a8eb10649cbf', 'no-cache'],
  ['25a849e95ba97d7f', 'custom-key'],
  ['25a849e95bb8e8b4bf', 'custom-value'],
  ['aec3771a4b', 'private'],
  ['d07abe941054d444a8200595040b8166e082a62d1bff', 'Mon, 21 Oct 2013 20:13:21 GMT'],
  ['9d29ad171863c78f0b97c8e9ae82ae43d3', 'https://www.example.com'],
  ['94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
];

for (const [hex, text] of VECTORS) {
  test(`the code of ${JSON.stringify(text.slice(0, 20))} decodes as RFC 7541 says`, () => {
    const octets = Buffer.from(hex, 'hex');
    const target = Buffer.alloc(mostDecodedBytes(octets.length));
    assert.equal(target.toString('latin1', 0, decodeHuffman(octets, 0, octets.length, target)), text);
  });
}

/** RFC 7541 appendix C.4: three requests on one connection. */
test('blocks of one connection share the table, as in RFC 7541 appendix C.4', () => {
  const decoder = new HpackDecoder();
  const read = (hex: string): string[] => {
    const lines: string[] = [];
    assert.ok(decoder.decode(Buffer.from(hex, 'hex'), (name, value) => lines.push(`${name}: ${value}`)));
    return lines;
  };
  const start = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
  assert.deepEqual(read('828684418cf1e3c2e5f23a6ba0ab90f4ff'), start);
  assert.deepEqual(read('828684be5886a8eb10649cbf'), [...start, 'cache-control: no-cache']);
  assert.deepEqual(read('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'), [
    ':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value',
  ]);
});

test('a block cut anywhere is refused or shorter, never more, and never throws', () => {
  const whole = Buffer.from('828684418cf1e3c2e5f23a6ba0ab90f4ff5886a8eb10649cbf', 'hex');
  for (let end = 0; end < whole.length; end += 1) {
    let lines = 0;
    new HpackDecoder().decode(whole.subarray(0, end), () => (lines += 1));
    assert.ok(lines <= 5);
  }
});

test('what the encoder writes, the decoder reads: long names and values, every octet a value may hold', () => {
  const fields = new Fields();
  const octets = Array.from({ length: 256 }, (_, code) => code).filter((code) => code > 0x20 && code !== 0x7f);
  fields.append('X-All', 'x-all', Buffer.from(octets).toString('latin1'));
  fields.append('x'.repeat(300), 'x'.repeat(300), 'y'.repeat(20_000));
  fields.append('Connection', 'connection', 'x-all');
  const lines: string[] = [];
  const block = encodeResponseBlock(418, fields, { contentLength: 7, resetTable: true });
  assert.ok(new HpackDecoder().decode(block, (name, value) => lines.push(`${name}: ${value.length}`)));
  assert.deepEqual(lines, [':status: 3', `x-all: ${octets.length}`, `${'x'.repeat(300)}: 20000`, 'content-length: 1']);
});
