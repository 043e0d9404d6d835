import { accept, refuse, type Parsed } from './parsed.ts';

/** The spellings Go's strconv.ParseBool knows, which ingress-nginx reads its booleans with. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/** `true` or `false`, in the spellings ingress-nginx accepts. */
export function parseBoolean(text: string): Parsed<boolean> {
  const value = BOOLEANS.get(text.trim());
  return value === undefined ? refuse('must be "true" or "false"') : accept(value);
}
