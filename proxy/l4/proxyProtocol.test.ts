import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from './crc32c.ts';
import { decodeProxyHeader, encodeProxyHeader, type ProxyHeaderResult, type SocketEnd } from './proxyProtocol.ts';

const SEED = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 2 ** 31);

const FOUR: readonly [SocketEnd, SocketEnd] = [{ address: '192.0.2.7', port: 50_123 }, { address: '203.0.113.9', port: 443 }];
const SIX: readonly [SocketEnd, SocketEnd] = [{ address: '2001:db8::7', port: 65_535 }, { address: '2001:db8:1::9', port: 0 }];

function text(line: string): ProxyHeaderResult {
  return decodeProxyHeader(Buffer.from(line, 'latin1'));
}

/** A version 2 header by hand. */
function two(command: number, family: number, variable: Buffer): Buffer {
  const fixed = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex');
  fixed[12] = command;
  fixed[13] = family;
  fixed.writeUInt16BE(variable.length, 14);
  return Buffer.concat([fixed, variable]);
}

function tlv(type: number, value: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0]);
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
}

const ADDRESSES_FOUR = Buffer.from('c0000207cb007109c3cb01bb', 'hex');

/** The header with a CRC32C of four octets at its end filled in. */
function summed(header: Buffer): Buffer {
  const copy = Buffer.from(header);
  copy.writeUInt32BE(0, copy.length - 4);
  copy.writeUInt32BE(crc32c(copy), copy.length - 4);
  return copy;
}

const GOOD: readonly Buffer[] = [
  Buffer.from('PROXY TCP4 192.0.2.7 203.0.113.9 50123 443\r\n'),
  Buffer.from('PROXY TCP6 2001:db8::7 2001:DB8:1:0:0:0:0:9 65535 0\r\n'),
  Buffer.from('PROXY UNKNOWN\r\n'),
  Buffer.from('PROXY UNKNOWN ffff:f...f:ffff what ever 1 2\r\n'),
  two(0x21, 0x11, ADDRESSES_FOUR),
  two(0x21, 0x12, ADDRESSES_FOUR),
  two(0x21, 0x21, Buffer.alloc(36, 1)),
  two(0x21, 0x22, Buffer.alloc(36, 1)),
  two(0x21, 0x31, Buffer.alloc(216, 0x61)),
  two(0x21, 0x00, Buffer.alloc(0)),
  two(0x21, 0x00, Buffer.alloc(5, 0xff)),
  two(0x20, 0x00, Buffer.alloc(0)),
  two(0x20, 0xff, Buffer.alloc(7, 0xff)),
  two(0x21, 0x11, Buffer.concat([ADDRESSES_FOUR, tlv(0x04, Buffer.alloc(30)), tlv(0x20, Buffer.alloc(0))])),
  summed(two(0x21, 0x11, Buffer.concat([ADDRESSES_FOUR, tlv(0xea, Buffer.from('vpce')), tlv(0x03, Buffer.alloc(4))]))),
];

test('version 1 tells both ends of a TCP4 and a TCP6 connection', () => {
  assert.deepEqual(text('PROXY TCP4 192.0.2.7 203.0.113.9 50123 443\r\nGET /'), {
    type: 'header',
    length: 44,
    header: { version: 1, command: 'PROXY', source: FOUR[0], destination: FOUR[1] },
  });
  const result = text('PROXY TCP6 2001:DB8:0:0:0:0:0:7 2001:db8:1::9 65535 0\r\n');
  assert.equal(result.type, 'header');
  assert.deepEqual(result.type === 'header' && [result.header.source, result.header.destination], SIX);
});

test('version 2 tells both ends of stream and datagram headers', () => {
  for (const family of [0x11, 0x12]) {
    const result = decodeProxyHeader(two(0x21, family, ADDRESSES_FOUR));
    assert.deepEqual(result, { type: 'header', length: 28, header: { version: 2, command: 'PROXY', source: FOUR[0], destination: FOUR[1] } });
  }
});

test('LOCAL, UNKNOWN, UNSPEC and AF_UNIX name no ends', () => {
  for (const bytes of GOOD.filter((one) => !one.includes('TCP') && ![0x11, 0x12, 0x21, 0x22].includes(one[13] ?? 0))) {
    const result = decodeProxyHeader(bytes);
    assert.ok(result.type === 'header');
    assert.equal(result.length, bytes.length);
    assert.equal(result.header.source, null);
    assert.equal(result.header.destination, null);
  }
});

test('an IPv4-mapped client is an IPv4 client', () => {
  const result = text('PROXY TCP6 ::ffff:192.0.2.7 2001:db8::9 1 2\r\n');
  assert.ok(result.type === 'header');
  assert.deepEqual(result.header.source, { address: '192.0.2.7', port: 1 });
});

test('a header that arrives in any two parts is incomplete first and whole then, with what follows left alone', () => {
  for (const good of GOOD) {
    const bytes = Buffer.concat([good, Buffer.from('PROXY rest')]);
    for (let length = 0; length < good.length; length += 1) {
      assert.deepEqual(decodeProxyHeader(bytes.subarray(0, length)), { type: 'incomplete' }, `${length} of ${good.toString('latin1')}`);
    }
    for (let length = good.length; length <= bytes.length; length += 1) {
      const result = decodeProxyHeader(bytes.subarray(0, length));
      assert.ok(result.type === 'header', good.toString('latin1'));
      assert.equal(result.length, good.length);
    }
  }
});

test('version 1 is held to its grammar', () => {
  const bad = [
    'PROXY TCP4 192.0.2.07 203.0.113.9 1 2\r\n',
    'PROXY TCP4 192.0.2.7 203.0.113.9 01 2\r\n',
    'PROXY TCP4 192.0.2.7 203.0.113.9 1 65536\r\n',
    'PROXY TCP4 192.0.2.7 203.0.113.9 -1 2\r\n',
    'PROXY TCP4 192.0.2.7 203.0.113.9 +1 2\r\n',
    'PROXY TCP4 192.0.2.7 203.0.113.9 1\r\n',
    'PROXY TCP4 192.0.2.7 203.0.113.9 1 2 3\r\n',
    'PROXY TCP4 192.0.2.7 203.0.113.9 1 2 \r\n',
    'PROXY TCP4  192.0.2.7 203.0.113.9 1 2\r\n',
    'PROXY TCP4 192.0.2 203.0.113.9 1 2\r\n',
    'PROXY TCP4 0x7f.0.0.1 203.0.113.9 1 2\r\n',
    'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
    'PROXY TCP6 192.0.2.7 203.0.113.9 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n',
    'PROXY TCP6 2001:db8:::1 2001:db8::2 1 2\r\n',
    'PROXY UDP4 192.0.2.7 203.0.113.9 1 2\r\n',
    'PROXY tcp4 192.0.2.7 203.0.113.9 1 2\r\n',
    'PROXY \r\n',
    'PROXY UNKNOWNX\r\n',
    'PROXY UNKNOWN\n',
    'PROXY UNKNOWN\r\r\n',
    'PROXY UNKNOWN \0\r\n',
    'PROXY\tUNKNOWN\r\n',
    'proxy UNKNOWN\r\n',
    'GET / HTTP/1.1\r\n',
    '\r\n\r\n\0\r\nQUIT\r',
  ];
  for (const line of bad) assert.equal(text(line).type, 'invalid', JSON.stringify(line));
});

test('the longest version 1 header has 107 octets, and nobody waits for the 108th', () => {
  const longest = `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`;
  assert.equal(longest.length, 107);
  assert.equal(text(longest).type, 'header');
  assert.equal(text(`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`).type, 'invalid');
  assert.equal(text(`PROXY UNKNOWN ${'f'.repeat(93)}`).type, 'invalid');
});

test('version 2 refuses unassigned commands, families and lengths that cannot be', () => {
  const bad = [
    two(0x22, 0x11, ADDRESSES_FOUR),
    two(0x11, 0x11, ADDRESSES_FOUR),
    two(0x21, 0x41, Buffer.alloc(36)),
    two(0x21, 0x13, ADDRESSES_FOUR),
    two(0x21, 0x10, ADDRESSES_FOUR),
    two(0x21, 0x11, ADDRESSES_FOUR.subarray(1)),
    two(0x21, 0x21, ADDRESSES_FOUR),
    two(0x21, 0x31, Buffer.alloc(215)),
    two(0x21, 0x00, Buffer.alloc(4097)),
    two(0x20, 0x00, Buffer.alloc(4097)),
    two(0x21, 0x11, Buffer.concat([ADDRESSES_FOUR, Buffer.from([4, 0])])),
    two(0x21, 0x11, Buffer.concat([ADDRESSES_FOUR, Buffer.from([4, 0, 1])])),
    two(0x21, 0x11, Buffer.concat([ADDRESSES_FOUR, tlv(3, Buffer.alloc(5))])),
  ];
  for (const bytes of bad) assert.equal(decodeProxyHeader(bytes).type, 'invalid', bytes.toString('hex'));
});

test('the longest version 2 header is taken', () => {
  const bytes = two(0x21, 0x11, Buffer.concat([ADDRESSES_FOUR, tlv(4, Buffer.alloc(4096 - 12 - 3))]));
  assert.equal(bytes.length, 4112);
  assert.equal(decodeProxyHeader(bytes).type, 'header');
});

test('a CRC32C is verified, and there is one at most', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  const crc = tlv(3, Buffer.alloc(4));
  const good = summed(two(0x21, 0x11, Buffer.concat([ADDRESSES_FOUR, crc])));
  assert.equal(decodeProxyHeader(good).type, 'header');
  // The length octets are left: a longer header is incomplete, not wrong.
  for (let index = 16; index < good.length; index += 1) {
    const bad = Buffer.from(good);
    bad[index] = (bad[index] ?? 0) ^ 0x10;
    if (index >= 28 && index < 31) continue;
    assert.equal(decodeProxyHeader(bad).type, 'invalid', `octet ${index}`);
  }
  assert.equal(decodeProxyHeader(summed(two(0x21, 0x11, Buffer.concat([ADDRESSES_FOUR, crc, crc])))).type, 'invalid');
});

test('what is encoded is decoded again, families mixed too', () => {
  const ends: readonly SocketEnd[] = [...FOUR, ...SIX, { address: '::1', port: 1 }, { address: '255.255.255.255', port: 65_535 }];
  for (const version of [1, 2] as const) {
    for (const source of ends) {
      for (const destination of ends) {
        const bytes = encodeProxyHeader(version, source, destination);
        const header = { version, command: 'PROXY' as const, source, destination };
        assert.deepEqual(decodeProxyHeader(bytes), { type: 'header', length: bytes.length, header });
      }
    }
    const none = decodeProxyHeader(encodeProxyHeader(version, null, null));
    assert.ok(none.type === 'header' && none.header.source === null);
  }
  assert.equal(encodeProxyHeader(1, ...FOUR).toString(), 'PROXY TCP4 192.0.2.7 203.0.113.9 50123 443\r\n');
  assert.equal(encodeProxyHeader(2, ...FOUR).toString('hex'), '0d0a0d0a000d0a515549540a2111000cc0000207cb007109c3cb01bb');
  assert.throws(() => encodeProxyHeader(1, { address: 'x\r\n', port: 1 }, FOUR[1]), TypeError);
});

test('mutated and random headers never throw, never claim octets that are not there, never wait for ever', (context) => {
  context.diagnostic(`GATEHOUSE_SEED=${SEED}`);
  let state = SEED || 1;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 100_000; round += 1) {
    const bytes = Buffer.concat([GOOD[draw(GOOD.length)] ?? Buffer.alloc(0), Buffer.alloc(draw(3) === 0 ? 4200 : draw(8))]);
    for (let changes = 1 + draw(4); changes > 0; changes -= 1) bytes[draw(draw(2) === 0 ? 20 : bytes.length)] = draw(256);
    const result = decodeProxyHeader(bytes);
    if (result.type === 'header') assert.ok(result.length > 0 && result.length <= bytes.length);
    if (result.type === 'incomplete') assert.ok(bytes.length < 4112, bytes.toString('hex'));
  }
});
