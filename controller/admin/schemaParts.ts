/** What the JSON schemas of the answers are made of. */

export const TEXT = { type: 'string' } as const;
export const NUMBER = { type: 'integer' } as const;
export const FLAG = { type: 'boolean' } as const;
export const MAYBE_TEXT = { type: 'string', nullable: true } as const;
export const MAYBE_NUMBER = { type: 'integer', nullable: true } as const;
export const TEXTS = { type: 'array', items: TEXT } as const;

type Properties = Readonly<Record<string, unknown>>;

/** An object with exactly these properties, all of them there. */
export function record<P extends Properties>(properties: P): { type: 'object'; required: string[]; additionalProperties: false; properties: P } {
  return { type: 'object', required: Object.keys(properties), additionalProperties: false, properties };
}

/** A list of these. */
export function listOf<T>(items: T): { type: 'array'; items: T } {
  return { type: 'array', items };
}
