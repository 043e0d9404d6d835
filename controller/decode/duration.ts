import type { FieldReader } from './fieldReader.ts';
import type { TextForm } from './textForm.ts';

/** Longer texts are no durations anybody writes; the bound of our CRDs. */
const MAX_CHARS = 32;
const WHOLE = /^(?:\d{1,10}(?:\.\d{1,9})?(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g;

const MS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** metav1.Duration, as Go's time.ParseDuration reads it, without a sign. */
export const DURATION: TextForm = {
  rule: 'must be a duration such as "90s" or "1h30m"',
  matches: (text) => parseDuration(text) !== null,
};

/** ms; null when the text is no duration. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  if (text.length > MAX_CHARS || !WHOLE.test(text)) return null;
  let total = 0;
  for (const [, amount = '0', unit = ''] of text.matchAll(PART)) total += Number(amount) * (MS_PER_UNIT.get(unit) ?? 0);
  return total;
}

/** A duration field in ms; null when it is absent or faulty. */
export function decodeDuration(reader: FieldReader, key: string): number | null {
  const text = reader.text(key, DURATION);
  return text === null ? null : parseDuration(text);
}
