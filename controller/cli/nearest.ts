/**
 * The candidate that `word` was most likely meant to be: one that begins with it or that it begins with, else the one
 * with the smallest edit distance, if that is at most a third of the longer word (and at least 1). Null: none is near.
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const related = word.length >= 3 && (candidate.startsWith(word) || word.startsWith(candidate));
    const distance = related ? 0.5 : editDistance(word, candidate);
    const limit = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (distance > limit || distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

const MAX_WORD_CHARS = 64;

/** Insertions, deletions, substitutions and swaps of neighbours that lead from `from` to `to`. Infinity for overlong words. */
export function editDistance(from: string, to: string): number {
  if (from.length > MAX_WORD_CHARS || to.length > MAX_WORD_CHARS) return Infinity;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const steps = [
        (previous[column] ?? Infinity) + 1,
        (current[column - 1] ?? Infinity) + 1,
        (previous[column - 1] ?? Infinity) + (same ? 0 : 1),
        swapped ? (beforePrevious[column - 2] ?? Infinity) + 1 : Infinity,
      ];
      current.push(Math.min(...steps));
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length] ?? Infinity;
}
