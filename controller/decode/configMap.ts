import type { Decoding } from './decoding.ts';
import { ANY_TEXT, DATA_KEY } from './textForm.ts';
import type { ConfigMap } from '../model/objects.ts';

/** Keys and values of one ConfigMap together (API: MaxSecretSize, used for ConfigMaps too). */
const MAX_DATA_BYTES = 1024 * 1024;

/** v1 ConfigMap; a faulty entry is left out. Null when it is too large. */
export function decodeConfigMap({ object, base }: Decoding): ConfigMap | null {
  const data = object.textMap('data', { key: DATA_KEY, value: ANY_TEXT }, 'the key is left out');
  let bytes = 0;
  for (const value of data.values()) bytes += Buffer.byteLength(value);
  if (bytes > MAX_DATA_BYTES) object.fail('data', `must have at most ${MAX_DATA_BYTES} bytes together`, bytes);
  return object.failed ? null : { ...base, kind: 'ConfigMap', data };
}
