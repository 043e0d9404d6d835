import { accept, refuse, type Parsed, type ValueParser } from './parsed.ts';

/** A decimal integer from `min` to `max`, both included. */
export function integerBetween(min: number, max: number): ValueParser<number> {
  return (text) => {
    const trimmed = text.trim();
    const value = /^[+-]?[0-9]{1,10}$/.test(trimmed) ? Number(trimmed) : Number.NaN;
    return value >= min && value <= max ? accept(value) : refuse(`must be an integer from ${min} to ${max}`);
  };
}

/** Any integer of 32 bits, negative ones included. */
export function parseInteger(text: string): Parsed<number> {
  const parsed = integerBetween(-(2 ** 31), 2 ** 31 - 1)(text);
  return parsed.ok ? parsed : refuse('must be a whole number of 32 bits at most');
}
