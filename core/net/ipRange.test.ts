import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printIpAddress } from './ipAddress.ts';
import { inRange, parseCidr, parseIpRange, rangeSize } from './ipRange.ts';

test('CIDRs and ranges are read with both ends', () => {
  const cases: readonly (readonly [string, string, string, bigint])[] = [
    ['192.0.2.0/24', '192.0.2.0', '192.0.2.255', 256n],
    ['192.0.2.77/24', '192.0.2.0', '192.0.2.255', 256n],
    ['192.0.2.7/32', '192.0.2.7', '192.0.2.7', 1n],
    ['0.0.0.0/0', '0.0.0.0', '255.255.255.255', 1n << 32n],
    ['192.0.2.9-192.0.2.17', '192.0.2.9', '192.0.2.17', 9n],
    [' 192.0.2.9 - 192.0.2.9 ', '192.0.2.9', '192.0.2.9', 1n],
    ['2001:db8::/64', '2001:db8::', '2001:db8::ffff:ffff:ffff:ffff', 1n << 64n],
    ['::/0', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 1n << 128n],
    ['2001:db8::1-2001:db8::1:0', '2001:db8::1', '2001:db8::1:0', 65_536n],
  ];
  for (const [text, first, last, size] of cases) {
    const parsed = parseIpRange(text);
    assert.ok(parsed.ok, text);
    const { family } = parsed.range;
    assert.equal(printIpAddress({ family, value: parsed.range.first }), first, text);
    assert.equal(printIpAddress({ family, value: parsed.range.last }), last, text);
    assert.equal(rangeSize(parsed.range), size, text);
    assert.ok(inRange(parsed.range, { family, value: parsed.range.last }));
    assert.ok(!inRange(parsed.range, { family, value: parsed.range.last + 1n }));
  }
});

test('Faulty ranges are refused with a rule that helps', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['192.0.2.1', /as 192\.0\.2\.1\/32/],
    ['2001:db8::1', /as 2001:db8::1\/128/],
    ['192.0.2.9-192.0.2.1', /end before it begins/],
    ['192.0.2.9-2001:db8::1', /one family/],
    ['192.0.2.0/33', /at most 32 bits/],
    ['2001:db8::/129', /at most 128 bits/],
    ['192.0.2.0/', /CIDR such as/],
    ['192.0.2.0/-1', /CIDR such as/],
    ['192.0.2.0/24/24', /CIDR such as/],
    ['192.0.2/24', /CIDR such as/],
    ['1-2-3', /CIDR such as/],
    ['', /CIDR such as/],
    ['192.0.2.1-192.0.2.2-192.0.2.3', /CIDR such as/],
  ];
  for (const [text, rule] of cases) {
    const parsed = parseIpRange(text);
    assert.ok(!parsed.ok, text);
    assert.match(parsed.rule, rule);
  }
  assert.equal(parseCidr('192.0.2.1-192.0.2.9').ok, false);
  assert.equal(parseCidr('192.0.2.1').ok, false);
});
