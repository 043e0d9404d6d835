import { accept, refuse, type Parsed } from './parsed.ts';

const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1024],
  ['m', 1024 ** 2],
  ['g', 1024 ** 3],
]);

/** An nginx size: octets, or a number with k, m or g (1024 based, either case). */
export function parseByteSize(text: string): Parsed<number> {
  const match = /^([0-9]{1,15})([kKmMgG]?)$/.exec(text.trim());
  const unit = UNIT_BYTES.get((match?.[2] ?? '').toLowerCase());
  const value = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  return Number.isSafeInteger(value) ? accept(value) : refuse('must be a number of octets, or a number with k, m or g');
}
