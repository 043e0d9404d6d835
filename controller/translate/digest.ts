import { createHash } from 'node:crypto';

/** The first `chars` hexadecimal digits of the SHA-256 of what `value` is in JSON: equal for equal values. */
export function digestOf(value: unknown, chars: number): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, chars);
}
