/** Numbers x with 0 ≤ x < 1 that depend on the seed alone (mulberry32). For tests and benches. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of a property test: GATEHOUSE_SEED, else a new one. A failing assertion prints it. */
export function testSeed(): number {
  const given = Number(process.env['GATEHOUSE_SEED']);
  return Number.isSafeInteger(given) && given > 0 ? given : Math.floor(Math.random() * 2 ** 31);
}
