import { accept, refuse, type Parsed } from './parsed.ts';

/** Node's timers wrap to 1 ms above 2^31 - 1 ms; longer times are as good as this one (24 days). */
const LONGEST_MS = 2_147_483_000;
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['', 1000],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** A number of seconds, or a number with one of nginx's units (`500ms`, `90s`, `5m`, `1h`, `1d`), as ms; 0 is allowed. */
export function parseDurationOrZero(text: string): Parsed<number> {
  const match = /^([0-9]{1,12})(ms|s|m|h|d|)$/.exec(text.trim());
  const unitMs = UNIT_MS.get(match?.[2] ?? 'none');
  if (match === null || unitMs === undefined) return refuse('must be a number of seconds, or a number with ms, s, m, h or d');
  return accept(Math.min(Number(match[1]) * unitMs, LONGEST_MS));
}

/** As `parseDurationOrZero`, but above zero. */
export function parseDuration(text: string): Parsed<number> {
  const parsed = parseDurationOrZero(text);
  return parsed.ok && parsed.value === 0 ? refuse('must be more than 0 seconds') : parsed;
}
