import { createHmac } from 'node:crypto';

// Echo: magic 3 | version 1 | form 1 | cookie 8 | group 4. In the clear: it is for those who cannot read each other. A reply is as
// long as its request, so that nobody gains by making others send them.
const MAGIC = Buffer.from('GHM', 'latin1');
const VERSION = 1;
const FORMS = { request: 0x71, reply: 0x72 } as const;
const COOKIE_AT = 5;
const GROUP_AT = 13;
const ECHO_OCTETS = 17;
const GROUP_OCTETS = 4;
const INFO = 'gatehouse membership group 1';

/** Octets of a cookie. */
export const COOKIE_OCTETS = GROUP_AT - COOKIE_AT;

/**
 * A question that only who receives at an address can answer: is there an announcer? Hexadecimal digits; `group` names the key of the
 * sender without telling it.
 */
export interface Echo {
  readonly type: keyof typeof FORMS;
  readonly cookie: string;
  readonly group: string;
}

/** Names a key: 8 hexadecimal digits that tell no more of it than any datagram sealed with it. Null, for no key: what comes last. */
export function groupOf(key: Uint8Array | null): string {
  if (key === null) return 'ff'.repeat(GROUP_OCTETS);
  return createHmac('sha256', key).update(INFO).digest('hex').slice(0, 2 * GROUP_OCTETS);
}

export function encodeEcho({ type, cookie, group }: Echo): Buffer {
  const octets = Buffer.alloc(ECHO_OCTETS);
  MAGIC.copy(octets);
  octets[3] = VERSION;
  octets[4] = FORMS[type];
  octets.write(cookie, COOKIE_AT, 'hex');
  octets.write(group, GROUP_AT, 'hex');
  return octets;
}

/** Null for everything that is no echo. */
export function decodeEcho(octets: Buffer): Echo | null {
  if (octets.length !== ECHO_OCTETS || !octets.subarray(0, MAGIC.length).equals(MAGIC) || octets[3] !== VERSION) return null;
  const type = octets[4] === FORMS.request ? 'request' : octets[4] === FORMS.reply ? 'reply' : null;
  if (type === null) return null;
  return { type, cookie: octets.toString('hex', COOKIE_AT, GROUP_AT), group: octets.toString('hex', GROUP_AT) };
}
