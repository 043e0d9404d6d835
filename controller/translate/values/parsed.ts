/** What a value parser says: the typed value, or the rule that the text breaks in words (`must be true or false`). */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly rule: string };

/** Reads the text of one annotation or ConfigMap key. Pure, linear in the text, never throws. */
export type ValueParser<T> = (text: string) => Parsed<T>;

/** The text is good. */
export function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** The text breaks a rule. */
export function refuse(rule: string): Parsed<never> {
  return { ok: false, rule };
}
