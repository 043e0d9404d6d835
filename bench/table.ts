/** One server's figures in one row of the table. */
export interface RowResult {
  readonly name: string;
  /** In the row's unit, median over rounds. */
  readonly rate: number;
  /** Median over rounds; null where the load does not tell. */
  readonly p99Ms: number | null;
  readonly errors: number;
  /** Ours divided by this one's, median over rounds. */
  readonly ratio: number;
}

/** The middle value; of an even number the lower of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** A block of lines: the row's name, then a line per server, ours first. */
export function printRow(name: string, unit: string, results: readonly RowResult[]): string {
  const lines = results.map(({ name: server, rate, p99Ms, errors, ratio }) => {
    const latency = p99Ms === null ? '' : `  p99 ${p99Ms.toFixed(1).padStart(6)} ms`;
    const figure = rate >= 1000 ? Math.round(rate).toString() : rate.toFixed(2);
    return `  ${server.padEnd(20)}${figure.padStart(8)} ${unit}${latency}  ours / it ${ratio.toFixed(2).padStart(6)}${errors === 0 ? '' : `  ${errors} errors`}`;
  });
  return [name, ...lines, ''].join('\n');
}
