import type { Decoding } from './decoding.ts';
import type { Namespace } from '../model/objects.ts';

/** v1 Namespace: nothing but its metadata is used. */
export function decodeNamespace({ object, base }: Decoding): Namespace | null {
  return object.failed ? null : { ...base, kind: 'Namespace' };
}
