import { ADDRESS_BITS, printIpAddress } from '../../../core/net/ipAddress.ts';
import { parseCidr, type IpRange } from '../../../core/net/ipRange.ts';
import type { PortContext } from './portContext.ts';
import type { TablePiece } from './tablePiece.ts';

/** Who is refused before any balancing, and what of the source ranges could not be read. */
export interface GuardPlan {
  readonly pieces: readonly TablePiece[];
  readonly unreadable: readonly string[];
}

/**
 * Clients from elsewhere than `sourceRanges` are dropped, without an answer: they learn nothing, and nobody can have answers sent
 * to addresses that are not theirs. Who is left is refused where there are no endpoints, `rest` says by which chain.
 */
export function planGuard(context: PortContext, sourceRanges: readonly string[] | null, rest: string | null): GuardPlan {
  const guards = `guards${context.family.suffix}`;
  const element = (value: string): TablePiece => ({ type: 'element', set: guards, key: context.key, value });
  const { ranges, unreadable } = readRanges(context, sourceRanges ?? []);
  const drops = sourceRanges === null ? null : dropRule(context, ranges);
  if (drops === null) return { pieces: rest === null ? [] : [element(`goto ${rest}`)], unreadable };
  const chain = `guard-${context.name}`;
  const rules = rest === null ? [drops] : [drops, `goto ${rest}`];
  return { pieces: [{ type: 'chain', name: chain, rules }, element(`jump ${chain}`)], unreadable };
}

function readRanges({ family }: PortContext, texts: readonly string[]): { readonly ranges: IpRange[]; readonly unreadable: string[] } {
  const ranges: IpRange[] = [];
  const unreadable: string[] = [];
  for (const text of texts) {
    const parsed = parseCidr(text);
    if (!parsed.ok) unreadable.push(text);
    else if (parsed.range.family === family.family) ranges.push(parsed.range);
  }
  return { ranges: merge(ranges), unreadable };
}

/** Null where everybody may. */
function dropRule({ family }: PortContext, ranges: readonly IpRange[]): string | null {
  if (ranges.length === 0) return 'drop';
  const [first] = ranges;
  const last = (1n << BigInt(ADDRESS_BITS[family.family])) - 1n;
  if (first?.first === 0n && first.last === last) return null;
  return `${family.header} saddr != { ${ranges.map(printRange).join(', ')} } drop`;
}

/** Sets of intervals take no two that overlap. */
function merge(ranges: readonly IpRange[]): IpRange[] {
  const merged: IpRange[] = [];
  for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) merged[merged.length - 1] = { ...before, last: range.last };
  }
  return merged;
}

function printRange({ family, first, last }: IpRange): string {
  const from = printIpAddress({ family, value: first });
  return first === last ? from : `${from}-${printIpAddress({ family, value: last })}`;
}
