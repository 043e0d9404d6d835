const GAP = '   ';

/** Rows in aligned columns under upper-case headings, as kubectl prints them. Every row has as many cells as `headings`. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => escapeControls(line[column] ?? '').length)));
  return lines.map((line) => `${printLine(line, widths)}\n`).join('');
}

function printLine(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, column) => escapeControls(cell).padEnd(widths[column] ?? 0)).join(GAP).trimEnd();
}

/** Names come from other people's objects: what could move a terminal's cursor or break a line is shown escaped. */
export function escapeControls(cell: string): string {
  return cell.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`);
}
