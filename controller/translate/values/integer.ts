import { accept, refuse, type ValueParser } from './parsed.ts';

const MIN_INT32 = -2_147_483_648;
const MAX_INT32 = 2_147_483_647;

/** A decimal integer from `min` to `max`, both included. */
export function integerBetween(min: number, max: number): ValueParser<number> {
  return (text) => {
    const trimmed = text.trim();
    const value = /^[+-]?[0-9]{1,10}$/.test(trimmed) ? Number(trimmed) : Number.NaN;
    return value >= min && value <= max ? accept(value) : refuse(`must be an integer from ${min} to ${max}`);
  };
}

/** Any integer of 32 bits, negative ones included. */
export const parseInteger: ValueParser<number> = integerBetween(MIN_INT32, MAX_INT32);
