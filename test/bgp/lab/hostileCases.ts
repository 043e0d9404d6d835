import {
  AS_PATH, attribute, CAPABILITY, GOOD_PATH, keepalive, message, NEXT_HOP, open, ORIGIN, TYPE, update, type OpenFields,
} from './octets.ts';

/** What a hostile peer does in a session, and how that must end. */
export interface HostileCase {
  readonly name: string;
  /** Sent in the place of an OPEN; default: a good one. */
  readonly open?: Buffer;
  /** Sent when the session is established. */
  readonly afterwards?: Buffer;
  /** Octets per segment; default: all that there is. */
  readonly pieces?: number;
  /**
   * A NOTIFICATION with this code and, where one is given, this subcode; `stays`: the session goes on, and answers a request for all
   * routes; `closed`: the connection is closed without a word; `nothing`: it is for the test to look.
   */
  readonly end: { readonly code: number; readonly subcode?: number } | 'stays' | 'closed' | 'nothing';
}

const opens = (name: string, fields: OpenFields, code: number, subcode: number): HostileCase => ({ name, open: open(fields), end: { code, subcode } });
const says = (name: string, afterwards: Buffer, end: HostileCase['end']): HostileCase => ({ name, afterwards, end });
const stays = (name: string, attributes: readonly Buffer[]): HostileCase => says(name, update(attributes), 'stays');

/** Messages (hardening: RFC 4271 section 6, RFC 6608), each a peer of its own. */
const MESSAGES: readonly HostileCase[] = [
  { name: 'a marker that is not all ones', open: message(TYPE.keepalive, [], { marker: 0xfe }), end: { code: 1, subcode: 1 } },
  { name: 'a length of 18', open: message(TYPE.keepalive, [], { length: 18 }), end: { code: 1, subcode: 2 } },
  { name: 'a length of 4097', open: message(TYPE.open, Buffer.alloc(10), { length: 4_097 }), end: { code: 1, subcode: 2 } },
  { name: 'an OPEN of 28 octets', open: message(TYPE.open, Buffer.alloc(9)), end: { code: 1, subcode: 2 } },
  says('a KEEPALIVE of 20 octets', message(TYPE.keepalive, [0]), { code: 1, subcode: 2 }),
  says('an UPDATE of 22 octets', message(TYPE.update, [0, 0, 0]), { code: 1, subcode: 2 }),
  says('a NOTIFICATION of 20 octets', message(TYPE.notification, [6]), 'nothing'),
  says('type 0', message(0), { code: 1, subcode: 3 }),
  says('type 6', message(6), { code: 1, subcode: 3 }),
  opens('version 3', { version: 3 }, 2, 1),
  opens('a wrong AS', { asn: 64_998 }, 2, 2),
  opens('AS 0', { asn: 0 }, 2, 2),
  opens('AS_TRANS without a real AS', { asn: 23_456 }, 2, 2),
  opens('router ID 0.0.0.0', { routerId: [0, 0, 0, 0] }, 2, 3),
  opens('an unknown optional parameter', { parameters: Buffer.from([3, 1, 0]) }, 2, 4),
  { name: 'parameters that are longer than they are', open: open({ parameters: Buffer.from([2, 9, 1, 4]) }), end: { code: 2 } },
  opens('a hold time of 1 s', { holdTimeS: 1 }, 2, 6),
  opens('another family alone', { capabilities: [CAPABILITY.ipv6] }, 2, 7),
  { name: 'an UPDATE before OPEN', open: update(), end: { code: 5, subcode: 1 } },
  { name: 'a KEEPALIVE before OPEN', open: keepalive, end: { code: 5, subcode: 1 } },
  says('a second OPEN', open(), { code: 5, subcode: 3 }),
  says('an unknown NOTIFICATION', message(TYPE.notification, [99, 99, 0xff, 0xfe, 0, 1]), 'closed'),
  { name: 'one octet per segment', pieces: 1, afterwards: Buffer.concat([keepalive, update(), keepalive]), end: 'stays' },
  { name: 'silence', open: open({ holdTimeS: 3 }), afterwards: Buffer.alloc(0), end: { code: 4, subcode: 0 } },
];

/** UPDATEs that end the session: framing is lost (RFC 4271 section 6.3, RFC 7606 sections 3 and 5.3). */
const RESETS: readonly HostileCase[] = [
  says('withdrawn routes beyond the end', update(GOOD_PATH, Buffer.alloc(0), { withdrawnLength: 4_000 }), { code: 3, subcode: 1 }),
  says('attributes beyond the end', update(GOOD_PATH, Buffer.alloc(0), { attributesLength: 4_000 }), { code: 3, subcode: 1 }),
  says('a prefix of 33 bits', update(GOOD_PATH, Buffer.from([33, 1, 2, 3, 4, 5])), { code: 3, subcode: 10 }),
  says('a prefix that is cut off', update(GOOD_PATH, Buffer.from([24, 1, 2])), { code: 3, subcode: 10 }),
  says('MP_REACH_NLRI that is cut off', update([...GOOD_PATH, attribute(0x80, 14, [0, 1, 1])]), { code: 3 }),
  says('MP_REACH_NLRI with a next hop beyond its end', update([...GOOD_PATH, attribute(0x80, 14, [0, 1, 1, 200, 1, 2, 3, 4, 0])]), { code: 3 }),
  says('MP_UNREACH_NLRI twice', update([...GOOD_PATH, attribute(0x80, 15, [0, 1, 1]), attribute(0x80, 15, [0, 1, 1])]), { code: 3 }),
];

/** UPDATEs that are put up with: routes count as withdrawn, or the attribute as not there (RFC 7606 section 7). */
const PUT_UP_WITH: readonly HostileCase[] = [
  stays('ORIGIN of two octets', [attribute(0x40, 1, [0, 0]), AS_PATH, NEXT_HOP]),
  stays('ORIGIN 3', [attribute(0x40, 1, [3]), AS_PATH, NEXT_HOP]),
  stays('ORIGIN with the flags of an optional attribute', [attribute(0xc0, 1, [0]), AS_PATH, NEXT_HOP]),
  stays('AS_PATH with segments of type 9', [ORIGIN, attribute(0x40, 2, [9, 1, 1, 1]), NEXT_HOP]),
  stays('AS_PATH with a segment beyond its end', [ORIGIN, attribute(0x40, 2, [2, 9, 1, 1]), NEXT_HOP]),
  stays('AS_PATH with an empty segment', [ORIGIN, attribute(0x40, 2, [2, 0]), NEXT_HOP]),
  stays('NEXT_HOP of three octets', [ORIGIN, AS_PATH, attribute(0x40, 3, [1, 2, 3])]),
  stays('NEXT_HOP 224.0.0.1', [ORIGIN, AS_PATH, attribute(0x40, 3, [224, 0, 0, 1])]),
  stays('MULTI_EXIT_DISC of three octets', [...GOOD_PATH, attribute(0x80, 4, [0, 0, 1])]),
  stays('LOCAL_PREF over eBGP', [...GOOD_PATH, attribute(0x40, 5, [0, 0, 0, 1])]),
  stays('ATOMIC_AGGREGATE with a value', [...GOOD_PATH, attribute(0x40, 6, [1])]),
  stays('AGGREGATOR of three octets', [...GOOD_PATH, attribute(0xc0, 7, [1, 2, 3])]),
  stays('COMMUNITIES of three octets', [...GOOD_PATH, attribute(0xc0, 8, [1, 2, 3])]),
  stays('ORIGINATOR_ID over eBGP', [...GOOD_PATH, attribute(0x80, 9, [1, 2, 3])]),
  stays('EXTENDED COMMUNITIES of seven octets', [...GOOD_PATH, attribute(0xc0, 16, [1, 2, 3, 4, 5, 6, 7])]),
  stays('AS4_PATH that is cut off', [...GOOD_PATH, attribute(0xc0, 17, [2, 4, 0])]),
  stays('LARGE_COMMUNITY of 11 octets', [...GOOD_PATH, attribute(0xc0, 32, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]),
  stays('no ORIGIN', [AS_PATH, NEXT_HOP]),
  stays('no AS_PATH', [ORIGIN, NEXT_HOP]),
  stays('no NEXT_HOP', [ORIGIN, AS_PATH]),
  stays('ORIGIN twice', [...GOOD_PATH, ORIGIN]),
  stays('an unknown well-known attribute', [...GOOD_PATH, attribute(0x40, 99, [1])]),
  stays('an unknown optional attribute', [...GOOD_PATH, attribute(0xc0, 99, [1]), attribute(0x80, 98, [1])]),
  stays('an attribute beyond the end of the attributes', [...GOOD_PATH, attribute(0xc0, 8, [1, 2, 3, 4], 44)]),
];

/** Each a peer of its own, all at once. */
export const HOSTILE_CASES: readonly HostileCase[] = [...MESSAGES, ...RESETS, ...PUT_UP_WITH];
