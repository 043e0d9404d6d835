import { seededRandom } from './seededRandom.ts';

/** Random numbers of a seed, ready to draw with. For tests and benches. */
export interface Random {
  /** x with 0 ≤ x < 1. */
  readonly fraction: () => number;
  /** Integer of 0 to `below` - 1. */
  readonly integer: (below: number) => number;
  /** One of `list`, which must not be empty. */
  readonly pick: <T>(list: readonly T[]) => T;
}

/** The same sequence for the same seed, on every machine. */
export function randomFrom(seed: number): Random {
  const fraction = seededRandom(seed);
  const integer = (below: number): number => Math.floor(fraction() * below);
  return { fraction, integer, pick: (list) => list[integer(list.length)] as (typeof list)[number] };
}
