import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { MAX_DATAGRAM_OCTETS } from './message.ts';

// Datagram: magic 3 | version 1 | form 1 | boot 8 | counter 6 | payload | tag 16 (sealed only)
// All before the payload is authenticated with it. The key belongs to one boot of one sender (HKDF, RFC 5869, salt: boot), so the
// counter alone is a nonce that never repeats: random ones would run out of safety (NIST SP 800-38D section 8.3) within days.
const MAGIC = Buffer.from('GHM', 'latin1');
const VERSION = 1;
const FORM = { plain: 0x70, sealed: 0x73 } as const;
const BOOT_AT = 5;
const COUNTER_AT = 13;
const PAYLOAD_AT = 19;
const TAG_OCTETS = 16;
const NONCE_OCTETS = 12;
const CIPHER = 'aes-256-gcm';
const INFO = 'gatehouse membership 1';
/** Keys of senders that are kept ready: more than there are nodes. */
const KEPT_KEYS = 1_024;

/** Octets of `membershipKey` at least. */
export const MIN_KEY_OCTETS = 16;
/** What the envelope leaves of a datagram. */
export const MAX_PAYLOAD_OCTETS = MAX_DATAGRAM_OCTETS - PAYLOAD_AT - TAG_OCTETS;

/** Why a datagram could not be opened: `form` is a plain one where a key is set, or the reverse. */
export type EnvelopeFault = 'length' | 'magic' | 'version' | 'form' | 'authentication';

/** What was in a datagram, or why it was not opened. */
export type Opened =
  | { readonly type: 'opened'; readonly boot: string; readonly counter: number; readonly payload: Buffer }
  | { readonly type: 'fault'; readonly fault: EnvelopeFault };

/** Makes datagrams of payloads: one for each boot, as it counts. */
export type Seal = (payload: Uint8Array) => Buffer;
/** Opens what came as a datagram; never throws. */
export type Open = (datagram: Buffer) => Opened;

/** Keys that are accepted at most: the present one, and those before and after it. */
export const MAX_KEYS = 4;

/** Seals with `key`, or writes plainly where that is null. `boot`: 16 random hexadecimal digits, used by no other process. */
export function createSeal(key: Uint8Array | null, boot: string): Seal {
  const senderKey = key === null ? null : deriveKey(key, Buffer.from(boot, 'hex'));
  let counter = 0;
  return (payload) => {
    counter += 1;
    const head = headOf(senderKey === null ? FORM.plain : FORM.sealed, boot, counter);
    if (senderKey === null) return Buffer.concat([head, payload]);
    const cipher = createCipheriv(CIPHER, senderKey, nonceOf(head));
    cipher.setAAD(head);
    return Buffer.concat([head, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
  };
}

/** Opens what others have sealed with one of these keys; with none: what is plain. */
export function createOpen(accepted: readonly Uint8Array[]): Open {
  const keys = new LRUCache<string, Buffer>({ max: KEPT_KEYS });
  return (datagram) => {
    const fault = headFault(datagram, accepted.length > 0);
    if (fault !== null) return { type: 'fault', fault };
    const boot = datagram.toString('hex', BOOT_AT, COUNTER_AT);
    const counter = datagram.readUIntBE(COUNTER_AT, PAYLOAD_AT - COUNTER_AT);
    if (accepted.length === 0) return { type: 'opened', boot, counter, payload: datagram.subarray(PAYLOAD_AT) };
    const known = keys.get(boot);
    // A boot has one key: who seals with another one makes it up.
    const senderKeys = known === undefined ? accepted.map((key) => deriveKey(key, datagram.subarray(BOOT_AT, COUNTER_AT))) : [known];
    for (const senderKey of senderKeys) {
      const payload = decrypt(datagram, senderKey);
      if (payload === null) continue;
      // Only now: strangers could fill the cache.
      keys.set(boot, senderKey);
      return { type: 'opened', boot, counter, payload };
    }
    return { type: 'fault', fault: 'authentication' };
  };
}

/** Keys as `AnnouncerSettings.membershipKey` has them: the one to seal with, then others that are accepted. Throws as decodeMembershipKey. */
export function decodeMembershipKeys(text: string): readonly Buffer[] {
  const keys = text.trim().split(/ +/).map(decodeMembershipKey);
  if (keys.length > MAX_KEYS) throw new RangeError(`there are ${keys.length} membership keys; at most ${MAX_KEYS} are accepted`);
  return keys;
}

/** The octets of a base64 key. Throws RangeError, without the key in it, when it is not base64 or too short. */
export function decodeMembershipKey(text: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.toString('base64').replace(/=+$/, '') !== text.trim().replace(/=+$/, '')) throw new RangeError('the membership key is not base64');
  if (key.length < MIN_KEY_OCTETS) throw new RangeError(`the membership key has ${key.length} octets; it takes ${MIN_KEY_OCTETS}`);
  return key;
}

function headFault(datagram: Buffer, isKeyed: boolean): EnvelopeFault | null {
  if (datagram.length > MAX_DATAGRAM_OCTETS || datagram.length < PAYLOAD_AT) return 'length';
  if (!datagram.subarray(0, MAGIC.length).equals(MAGIC)) return 'magic';
  if (datagram[3] !== VERSION) return 'version';
  if (datagram[4] !== (isKeyed ? FORM.sealed : FORM.plain)) return 'form';
  return isKeyed && datagram.length < PAYLOAD_AT + TAG_OCTETS ? 'length' : null;
}

function headOf(form: number, boot: string, counter: number): Buffer {
  const head = Buffer.alloc(PAYLOAD_AT);
  MAGIC.copy(head);
  head[3] = VERSION;
  head[4] = form;
  head.write(boot, BOOT_AT, 'hex');
  head.writeUIntBE(counter, COUNTER_AT, PAYLOAD_AT - COUNTER_AT);
  return head;
}

function nonceOf(head: Buffer): Buffer {
  const nonce = Buffer.alloc(NONCE_OCTETS);
  head.copy(nonce, NONCE_OCTETS - (PAYLOAD_AT - COUNTER_AT), COUNTER_AT, PAYLOAD_AT);
  return nonce;
}

function decrypt(datagram: Buffer, key: Buffer): Buffer | null {
  const head = datagram.subarray(0, PAYLOAD_AT);
  const decipher = createDecipheriv(CIPHER, key, nonceOf(head), { authTagLength: TAG_OCTETS });
  decipher.setAAD(head);
  decipher.setAuthTag(datagram.subarray(-TAG_OCTETS));
  try {
    return Buffer.concat([decipher.update(datagram.subarray(PAYLOAD_AT, -TAG_OCTETS)), decipher.final()]);
  } catch {
    // The one thing that final() throws for is a tag that does not fit.
    return null;
  }
}

function deriveKey(key: Uint8Array, boot: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', key, boot, INFO, 32));
}
