/**
 * Small decoders for JSON that another Gatehouse sent: each takes `unknown` and returns the value, or throws
 * NotAsExpected, which `decodeOrNull` turns into null.
 */
export type Decoder<T> = (value: unknown) => T;

class NotAsExpected extends Error {}

/** The decoded value, or null when `value` does not have the shape. */
export function decodeOrNull<T>(decoder: Decoder<T>, value: unknown): T | null {
  try {
    return decoder(value);
  } catch (error) {
    if (error instanceof NotAsExpected) return null;
    throw error;
  }
}

/** Text. */
export const text: Decoder<string> = (value) => (typeof value === 'string' ? value : fail());

/** A finite number. */
export const number: Decoder<number> = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : fail());

/** True or false. */
export const flag: Decoder<boolean> = (value) => (typeof value === 'boolean' ? value : fail());

/** One of a few words. */
export function word<const T extends string>(...words: readonly T[]): Decoder<T> {
  return (value) => words.find((candidate) => candidate === value) ?? fail();
}

/** Null, or what `decoder` takes. */
export function maybe<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (value) => (value === null ? null : decoder(value));
}

/** A list of what `decoder` takes. */
export function list<T>(decoder: Decoder<T>): Decoder<readonly T[]> {
  return (value) => (Array.isArray(value) ? value.map((item: unknown) => decoder(item)) : fail());
}

/** An object with at least these fields; others are left out. */
export function record<T extends object>(fields: { readonly [K in keyof T]: Decoder<T[K]> }): Decoder<T> {
  return (value) => {
    if (typeof value !== 'object' || value === null) return fail();
    const given = new Map<string, unknown>(Object.entries(value));
    const entries = Object.entries<Decoder<unknown>>(fields).map(([name, decoder]) => [name, decoder(given.get(name))]);
    return Object.fromEntries(entries) as T;
  };
}

function fail(): never {
  throw new NotAsExpected();
}
