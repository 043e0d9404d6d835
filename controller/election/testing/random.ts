/** For tests: numbers from 0 to 1 that repeat with their seed (mulberry32). */
export type Random = () => number;

/** For tests: the numbers of a seed. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** For tests: seed of a run, from GATEHOUSE_SEED where that is given. */
export function seedOfRun(environment: Readonly<Record<string, string | undefined>>): number {
  const given = Number(environment['GATEHOUSE_SEED']);
  return Number.isSafeInteger(given) && given > 0 ? given : Date.now() % 1_000_000_007;
}
