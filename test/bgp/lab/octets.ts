/** Messages of BGP in octets, right or wrong: written apart from Gatehouse's own codec, which they are to try. */
export const TYPE = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const;

/** Where a header may be wrong. */
export interface HeaderFaults {
  readonly marker?: number;
  readonly length?: number;
}

const HEADER_LENGTH = 19;

/** RFC 4271 section 4.1. */
export function message(type: number, body: readonly number[] | Buffer = [], { marker = 0xff, length = HEADER_LENGTH + body.length }: HeaderFaults = {}): Buffer {
  return Buffer.concat([Buffer.alloc(16, marker), u16(length), Buffer.from([type]), Buffer.from(body)]);
}

/** What an OPEN says. */
export interface OpenFields {
  readonly version?: number;
  /** As My Autonomous System. */
  readonly asn?: number;
  readonly holdTimeS?: number;
  readonly routerId?: readonly number[];
  /** Optional parameters as they are; default: one of the capabilities given. */
  readonly parameters?: Buffer;
  readonly capabilities?: readonly Buffer[];
}

export const HOSTILE_ASN = 64_999;
const IPV4_UNICAST = Buffer.from([1, 4, 0, 1, 0, 1]);
const IPV6_UNICAST = Buffer.from([1, 4, 0, 2, 0, 1]);
const ROUTE_REFRESH = Buffer.from([2, 0]);
/** Capabilities. */
export const CAPABILITY = { ipv4: IPV4_UNICAST, ipv6: IPV6_UNICAST, routeRefresh: ROUTE_REFRESH } as const;

/** RFC 4271 section 4.2, by default as it should be. */
export function open(fields: OpenFields = {}): Buffer {
  const { version = 4, asn = HOSTILE_ASN, holdTimeS = 90, routerId = [10, 77, 0, 66], parameters, capabilities = [IPV4_UNICAST, ROUTE_REFRESH] } = fields;
  const own = Buffer.concat(capabilities);
  const optional = parameters ?? Buffer.concat([Buffer.from([2, own.length]), own]);
  return message(TYPE.open, Buffer.concat([Buffer.from([version]), u16(asn), u16(holdTimeS), Buffer.from(routerId), Buffer.from([optional.length]), optional]));
}

export const keepalive = message(TYPE.keepalive);
/** RFC 2918, IPv4 unicast. */
export const routeRefresh = message(TYPE.routeRefresh, [0, 1, 0, 1]);

/** An attribute of a path. */
export function attribute(flags: number, type: number, value: readonly number[], length = value.length): Buffer {
  return Buffer.from([flags, type, length, ...value]);
}

export const ORIGIN = attribute(0x40, 1, [0]);
export const AS_PATH = attribute(0x40, 2, [2, 1, HOSTILE_ASN >> 8, HOSTILE_ASN & 0xff]);
export const NEXT_HOP = attribute(0x40, 3, [10, 77, 0, 66]);
export const GOOD_PATH = [ORIGIN, AS_PATH, NEXT_HOP] as const;
const NETWORK = Buffer.from([24, 198, 51, 100]);

/** Lengths that are said, not true. */
export interface UpdateFaults {
  readonly withdrawnLength?: number;
  readonly attributesLength?: number;
}

/** RFC 4271 section 4.3; lengths of the parts as given, or as they are. */
export function update(
  attributes: readonly Buffer[] = GOOD_PATH, nlri: Buffer = NETWORK, { withdrawnLength = 0, attributesLength }: UpdateFaults = {},
): Buffer {
  const own = Buffer.concat(attributes);
  return message(TYPE.update, Buffer.concat([u16(withdrawnLength), u16(attributesLength ?? own.length), own, nlri]));
}

const PREFIXES_PER_UPDATE = 1_000;

/** So many networks of 24 bits, a thousand in each UPDATE. */
export function manyPrefixes(count: number): Buffer {
  const messages: Buffer[] = [];
  for (let from = 0; from < count; from += PREFIXES_PER_UPDATE) {
    const nlri = Buffer.alloc(4 * Math.min(PREFIXES_PER_UPDATE, count - from));
    for (let at = 0; at < nlri.length; at += 4) nlri.writeUInt32BE((24 << 24 | (0x01_00_00 + from + at / 4)) >>> 0, at);
    messages.push(update(GOOD_PATH, nlri));
  }
  return Buffer.concat(messages);
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8 & 0xff, value & 0xff]);
}
