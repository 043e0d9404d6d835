import type { KubeObject } from '../../model/objects.ts';
import { printRef, type ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** Who says what an object is: an object of one of the kinds that can be decoded into it. */
export interface Claimant {
  /** Lower goes first: the order of the kind table. */
  readonly rank: number;
  /** For problems, and to tell claimants of one rank apart: `IPAddressPool.metallb.io metallb-system/first`. */
  readonly name: string;
}

/** What an object was and is; undefined: not there. */
export interface ClaimChange {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

interface Claim {
  readonly claimant: Claimant;
  readonly ref: ObjectRef;
  readonly object: KubeObject;
}

/** Decides which object counts when several foreign and own ones are decoded into the same. */
export class ClaimTable {
  /** printed reference → claims, the one that counts first. */
  readonly #claims = new Map<string, readonly Claim[]>();

  /** `object` is what the claimant says of `ref`; undefined: nothing any more. */
  change(ref: ObjectRef, claimant: Claimant, object: KubeObject | undefined): ClaimChange {
    const key = printRef(ref);
    const before = this.#claims.get(key) ?? [];
    const others = before.filter((claim) => claim.claimant.name !== claimant.name);
    const after = object === undefined ? others : [...others, { claimant, ref, object }].sort(byRank);
    if (after.length === 0) this.#claims.delete(key);
    else this.#claims.set(key, after);
    return { before: before[0]?.object, after: after[0]?.object };
  }

  /** One problem per claim that does not count. */
  problems(): readonly Problem[] {
    return [...this.#claims.values()].flatMap(([first, ...others]) =>
      first === undefined ? [] : others.map((claim) => duplicate(claim, first)),
    );
  }
}

function byRank(one: Claim, other: Claim): number {
  return one.claimant.rank - other.claimant.rank || (one.claimant.name < other.claimant.name ? -1 : 1);
}

function duplicate({ ref, claimant }: Claim, first: Claim): Problem {
  return {
    severity: 'error',
    object: ref,
    position: null,
    field: '',
    rule: `must be defined once; ${first.claimant.name} defines it already`,
    value: claimant.name,
    effect: `${claimant.name} is ignored`,
  };
}
