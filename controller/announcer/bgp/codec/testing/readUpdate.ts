import assert from 'node:assert/strict';
import type { AddressFamily, CodecOptions, Nlri, PathAttributes } from '../message.ts';

/** For tests: what an UPDATE says, read by a decoder that shares nothing with the one under test. */
export interface UpdateRead {
  readonly withdrawn: readonly (Nlri & { readonly family: AddressFamily })[];
  readonly announced: readonly (Nlri & { readonly family: AddressFamily })[];
  /** Null: no attributes but MP_UNREACH_NLRI. */
  readonly attributes: PathAttributes | null;
  /** Codes of the attributes, in order. */
  readonly codes: readonly number[];
}

/** For tests: reads a well-formed UPDATE as a peer would that has agreed on these options; anything else fails the test. */
export function readUpdate(message: Uint8Array, options: CodecOptions): UpdateRead {
  const octets = Buffer.from(message);
  assert.equal(octets.subarray(0, 16).toString('hex'), 'f'.repeat(32));
  assert.equal(octets.readUInt16BE(16), octets.length);
  assert.equal(octets[18], 2);
  assert.ok(octets.length <= (options.extendedMessages ? 65_535 : 4096));
  const withdrawnEnd = 21 + octets.readUInt16BE(19);
  const attributesEnd = withdrawnEnd + 2 + octets.readUInt16BE(withdrawnEnd);
  const values = attributesOf(octets.subarray(withdrawnEnd + 2, attributesEnd));
  const reach = values.get(14);
  const unreach = values.get(15);
  const classicWithdrawn = nlriOf(octets.subarray(21, withdrawnEnd), 'ipv4', options);
  const classicAnnounced = nlriOf(octets.subarray(attributesEnd), 'ipv4', options);
  const reached = reach === undefined ? [] : nlriOf(reach.subarray(5 + (reach[3] ?? 0)), familyOf(reach), options);
  const unreached = unreach === undefined ? [] : nlriOf(unreach.subarray(3), familyOf(unreach), options);
  const codes = [...values.keys()];
  return {
    withdrawn: [...classicWithdrawn, ...unreached],
    announced: [...classicAnnounced, ...reached],
    attributes: codes.some((code) => code !== 15) ? pathAttributes(values, options) : null,
    codes,
  };
}

function attributesOf(octets: Buffer): Map<number, Buffer> {
  const values = new Map<number, Buffer>();
  const flags: Readonly<Record<number, number>> = { 1: 0x40, 2: 0x40, 3: 0x40, 4: 0x80, 5: 0x40, 8: 0xc0, 14: 0x80, 15: 0x80, 16: 0xc0, 17: 0xc0, 32: 0xc0, 35: 0xc0 };
  for (let at = 0; at < octets.length;) {
    const isExtended = (octets.readUInt8(at) & 0x10) !== 0;
    const code = octets.readUInt8(at + 1);
    const length = isExtended ? octets.readUInt16BE(at + 2) : octets.readUInt8(at + 2);
    const start = at + (isExtended ? 4 : 3);
    assert.equal(octets.readUInt8(at) & 0xef, flags[code], `flags of attribute ${code}`);
    assert.ok(!values.has(code) && start + length <= octets.length);
    values.set(code, octets.subarray(start, start + length));
    at = start + length;
  }
  return values;
}

function pathAttributes(values: ReadonlyMap<number, Buffer>, { fourOctetAsn }: CodecOptions): PathAttributes {
  const reach = values.get(14);
  const [nextHop, linkLocalNextHop = null] = reach === undefined ? [address(values.get(3))] : pairOf(reach.subarray(4, 4 + (reach[3] ?? 0)));
  const community = values.get(16);
  return {
    origin: (['igp', 'egp', 'incomplete'] as const)[values.get(1)?.readUInt8(0) ?? 9] ?? assert.fail('no ORIGIN'),
    asPath: values.has(17) ? pathOf(values.get(17), 4) : pathOf(values.get(2), fourOctetAsn ? 4 : 2),
    nextHop: nextHop ?? assert.fail('no next hop'),
    linkLocalNextHop,
    med: values.get(4)?.readUInt32BE(0) ?? null,
    localPref: values.get(5)?.readUInt32BE(0) ?? null,
    communities: numbersOf(values.get(8)),
    largeCommunities: triplesOf(numbersOf(values.get(32))),
    linkBandwidth: community === undefined ? null : bandwidthOf(community),
    onlyToCustomer: values.get(35)?.readUInt32BE(0) ?? null,
  };
}

function pathOf(octets: Buffer | undefined, size: 2 | 4): readonly number[] {
  const path: number[] = [];
  assert.ok(octets !== undefined, 'no AS_PATH');
  for (let at = 0; at < octets.length;) {
    assert.equal(octets.readUInt8(at), 2);
    const count = octets.readUInt8(at + 1);
    for (let index = 0; index < count; index += 1) path.push(octets.readUIntBE(at + 2 + index * size, size));
    at += 2 + count * size;
  }
  return path;
}

function bandwidthOf(octets: Buffer): PathAttributes['linkBandwidth'] {
  assert.equal(octets.length, 8);
  assert.equal(octets.readUInt8(0) & 0xbf, 0);
  assert.equal(octets.readUInt8(1), 4);
  return { asn: octets.readUInt16BE(2), octetsPerSecond: octets.readFloatBE(4), transitive: octets.readUInt8(0) === 0 };
}

function numbersOf(octets: Buffer = Buffer.alloc(0)): readonly number[] {
  assert.equal(octets.length % 4, 0);
  return Array.from({ length: octets.length / 4 }, (_, index) => octets.readUInt32BE(index * 4));
}

function triplesOf(numbers: readonly number[]): PathAttributes['largeCommunities'] {
  return Array.from({ length: numbers.length / 3 }, (_, index) => [numbers[index * 3] ?? -1, numbers[index * 3 + 1] ?? -1, numbers[index * 3 + 2] ?? -1]);
}

function familyOf(octets: Buffer): AddressFamily {
  assert.equal(octets.readUInt8(2), 1);
  return octets.readUInt16BE(0) === 1 ? 'ipv4' : 'ipv6';
}

function nlriOf(octets: Buffer, family: AddressFamily, { addPathSend }: CodecOptions): readonly (Nlri & { readonly family: AddressFamily })[] {
  const found: (Nlri & { readonly family: AddressFamily })[] = [];
  const withPathId = addPathSend.includes(family);
  for (let at = 0; at < octets.length;) {
    const pathId = withPathId ? octets.readUInt32BE(at) : null;
    if (withPathId) at += 4;
    const bits = octets.readUInt8(at);
    const length = Math.ceil(bits / 8);
    assert.ok(at + 1 + length <= octets.length && bits <= (family === 'ipv4' ? 32 : 128));
    const padded = Buffer.alloc(family === 'ipv4' ? 4 : 16);
    octets.copy(padded, 0, at + 1, at + 1 + length);
    found.push({ family, pathId, prefix: `${address(padded)}/${bits}` });
    at += 1 + length;
  }
  return found;
}

function pairOf(octets: Buffer): readonly string[] {
  return octets.length === 32 ? [address(octets.subarray(0, 16)), address(octets.subarray(16))] : [address(octets)];
}

/** The URL parser writes IPv6 as RFC 5952 does. */
function address(octets: Buffer | undefined): string {
  assert.ok(octets !== undefined, 'no next hop');
  if (octets.length === 4) return octets.join('.');
  assert.equal(octets.length, 16);
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
