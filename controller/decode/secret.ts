import { decodeBase64 } from './base64.ts';
import type { Decoding } from './decoding.ts';
import { ANY_TEXT, DATA_KEY, type TextForm } from './textForm.ts';
import type { Secret } from '../model/objects.ts';

/** Keys and octets of one Secret together (API: MaxSecretSize). */
const MAX_DATA_BYTES = 1024 * 1024;

const BASE64: TextForm = {
  rule: 'must be padded standard base64; plain text goes into stringData',
  matches: (text) => decodeBase64(text) !== null,
};

/** What the API server gives a Secret that names no type. */
const DEFAULT_TYPE = 'Opaque';

/**
 * v1 Secret. One faulty entry makes the whole Secret unusable, so that the last good form stays whole: half of a key
 * pair is worse than the old pair.
 */
export function decodeSecret({ object, base }: Decoding): Secret | null {
  const type = object.text('type') ?? DEFAULT_TYPE;
  const encoded = object.textMap('data', { key: DATA_KEY, value: BASE64 }, null);
  const plain = object.textMap('stringData', { key: DATA_KEY, value: ANY_TEXT }, null);
  if (object.failed) return null;
  const data = new Map<string, Buffer>();
  for (const [key, text] of encoded) data.set(key, decodeBase64(text) ?? Buffer.alloc(0));
  for (const [key, text] of plain) data.set(key, Buffer.from(text));
  let bytes = 0;
  for (const value of data.values()) bytes += value.length;
  if (bytes > MAX_DATA_BYTES) object.fail('data', `must have at most ${MAX_DATA_BYTES} bytes together`);
  return object.failed ? null : { ...base, kind: 'Secret', type: type === '' ? DEFAULT_TYPE : type, data };
}
