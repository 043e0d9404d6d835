const MAX_DISTANCE = 3;
/** Longer than any known name; keeps the table below small whatever is asked. */
const MAX_NAME_CHARS = 64;

/** The known name closest to a misspelt one (at most three edits away, the first of equals); null when none is close. */
export function nearestName(name: string, known: Iterable<string>): string | null {
  if (name.length > MAX_NAME_CHARS) return null;
  let nearest: string | null = null;
  let smallest = MAX_DISTANCE + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= smallest) continue;
    const distance = editDistance(name, candidate);
    if (distance >= smallest) continue;
    smallest = distance;
    nearest = candidate;
  }
  return nearest;
}

/** Levenshtein distance, one row of the table at a time. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replace = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replace, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
