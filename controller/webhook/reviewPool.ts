import { isDeepStrictEqual } from 'node:util';
import { printRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import { parseIpAddress } from '../../core/net/ipAddress.ts';
import { inRange, parseIpRange, type IpRange } from '../../core/net/ipRange.ts';
import { compilePools } from '../allocator/poolTable.ts';
import type { IPAddressPool } from '../model/addressPool.ts';
import { refOf } from '../model/objects.ts';
import type { ObjectIndex } from '../model/store.ts';
import { problemOf } from '../translate/problemOf.ts';
import type { Change, Findings } from './reviewInput.ts';

/** Nodes named in one warning. */
const MAX_NAMED = 3;

/** Faults of a pool among the others: overlaps, equal names, addresses of nodes. Costs the number of all ranges, and of nodes. */
export function judgePool(pool: IPAddressPool, before: IPAddressPool | null, objects: ObjectIndex): Findings {
  const others = [...objects.list('IPAddressPool')].filter(({ metadata }) => !isSame(metadata, pool.metadata));
  const faults = (candidate: IPAddressPool): readonly Problem[] => [...amongAll(candidate, others), ...nodeAddresses(candidate, objects)];
  return { now: faults(pool), before: before === null ? [] : faults(before) };
}

/** A warning when Services would lose addresses by a change; costs the number of Services. */
export function lostAddresses({ object, oldObject }: Change<IPAddressPool>, objects: ObjectIndex): readonly Problem[] {
  if (oldObject === null) return [];
  const old = rangesOf(oldObject).map(({ range }) => range);
  const left = object === null ? [] : rangesOf(object).map(({ range }) => range);
  if (old.every((range) => left.some((other) => contains(other, range)))) return [];
  let count = 0;
  for (const service of objects.list('Service')) {
    if (service.statusAddresses.some((text) => isLost(text, old, left))) count += 1;
  }
  if (count === 0) return [];
  const services = count === 1 ? 'a Service' : `${count} Services`;
  const rule = object === null ? 'should not be deleted' : 'should keep the ranges that Services have addresses of';
  const field = object === null ? '' : 'spec.addresses';
  return [problemOf(object ?? oldObject, { severity: 'warning', field, rule, effect: `${services} would lose an address` })];
}

/** What a pool has in common with one of another product is a warning: who moves writes the copy before the original goes. */
function amongAll(pool: IPAddressPool, others: readonly IPAddressPool[]): readonly Problem[] {
  const found = amongOthers(pool, others);
  const own = others.filter(({ group }) => group === pool.group);
  if (own.length === others.length) return found;
  const faults = amongOthers(pool, own);
  return found.map((problem) => (faults.some((fault) => isDeepStrictEqual(fault, problem)) ? problem : { ...problem, severity: 'warning' }));
}

/** The pool counts as the youngest, so that whatever it has in common with another is found at its own ranges. */
function amongOthers(pool: IPAddressPool, others: readonly IPAddressPool[]): readonly Problem[] {
  const youngest: IPAddressPool = { ...pool, metadata: { ...pool.metadata, createdAtMs: Infinity } };
  return compilePools([...others, youngest]).problems.filter(({ object }) => object !== null && isSame(object, pool.metadata));
}

/** A node's own address in a pool may be meant (a range written generously), but giving it away cuts the node off. */
function nodeAddresses(pool: IPAddressPool, objects: ObjectIndex): readonly Problem[] {
  const ranges = rangesOf(pool);
  /** place → nodes in it. */
  const found = new Map<number, string[]>();
  for (const node of objects.list('Node')) {
    for (const text of node.internalIPs) {
      const address = parseIpAddress(text);
      const place = address === null ? undefined : ranges.find(({ range }) => inRange(range, address))?.place;
      if (place !== undefined) found.set(place, [...(found.get(place) ?? []), `${printRef(refOf(node))} (${text})`]);
    }
  }
  return [...found].map(([place, nodes]) =>
    problemOf(pool, {
      severity: 'warning',
      field: `spec.addresses[${place}]`,
      rule: `should not hold the address of ${nodes.slice(0, MAX_NAMED).join(', ')}${nodes.length > MAX_NAMED ? ' and others' : ''}`,
      value: pool.addresses[place],
      effect: 'a Service that is given it would take it from the node',
    }),
  );
}

function rangesOf(pool: IPAddressPool): readonly { readonly place: number; readonly range: IpRange }[] {
  return [...pool.addresses.entries()].flatMap(([place, text]) => {
    const parsed = parseIpRange(text);
    return parsed.ok ? [{ place, range: parsed.range }] : [];
  });
}

function isLost(text: string, old: readonly IpRange[], left: readonly IpRange[]): boolean {
  const address = parseIpAddress(text);
  if (address === null) return false;
  return old.some((range) => inRange(range, address)) && !left.some((range) => inRange(range, address));
}

function contains(outer: IpRange, inner: IpRange): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

function isSame(a: { readonly namespace: string; readonly name: string }, b: { readonly namespace: string; readonly name: string }): boolean {
  return a.namespace === b.namespace && a.name === b.name;
}
