import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpAddress, printIpAddress } from './ipAddress.ts';

test('Addresses are printed in one canonical form (RFC 5952 section 4)', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['192.0.2.1', '192.0.2.1'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:0DB8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ];
  for (const [text, canonical] of cases) {
    const address = parseIpAddress(text);
    assert.ok(address !== null, text);
    assert.equal(printIpAddress(address), canonical);
  }
});

test('What only looks like an address is none', () => {
  const texts = [
    '',
    ' ',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '0x1.2.3.4',
    '256.0.0.1',
    '1.2.3.4 ',
    '::1%eth0',
    ':::',
    '1::2::3',
  ];
  for (const text of [...texts, '::ffff:192.0.2.1', '12345::', 'localhost', '1.2.3.4/32']) {
    assert.equal(parseIpAddress(text), null, text);
  }
});

test('Every value survives printing and reading', () => {
  for (let bit = 0n; bit < 128n; bit += 1n) {
    for (const value of [1n << bit, (1n << bit) - 1n]) {
      const address = { family: 'IPv6', value } as const;
      if (value >> 32n !== 0xffffn) assert.deepEqual(parseIpAddress(printIpAddress(address)), address);
      if (bit > 32n) continue;
      const short = { family: 'IPv4', value: value & 0xffffffffn } as const;
      assert.deepEqual(parseIpAddress(printIpAddress(short)), short);
    }
  }
});
