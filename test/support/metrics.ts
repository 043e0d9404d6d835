import { parseExposition, type ParsedFamily, type ParsedSample } from '../../controller/metrics/parseExposition.ts';
import type { Gatehouse } from './gatehouse.ts';

/** Everything that /metrics says now. Throws when it is not Prometheus text. */
export async function scrape(gatehouse: Gatehouse): Promise<ReadonlyMap<string, ParsedFamily>> {
  const response = await fetch(`http://127.0.0.1:${gatehouse.admin}/metrics`);
  return parseExposition(await response.text());
}

/** Sum of a family's samples that have all these labels; for a histogram name the sample with `suffix`, such as `_count`. */
export function total(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
  suffix = '',
): number {
  const matches = (sample: ParsedSample): boolean =>
    sample.name === `${name}${suffix}` && Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value);
  return (families.get(name)?.samples ?? []).filter(matches).reduce((sum, { value }) => sum + value, 0);
}

/** Samples of counters and histograms that are lower in `after` than in `before`, or missing there, as `name{labels}`. */
export function decreased(before: ReadonlyMap<string, ParsedFamily>, after: ReadonlyMap<string, ParsedFamily>): readonly string[] {
  const now = new Map(rising(after));
  return rising(before).filter(([key, value]) => !((now.get(key) ?? -1) >= value)).map(([key]) => key);
}

function rising(families: ReadonlyMap<string, ParsedFamily>): (readonly [string, number])[] {
  return [...families.values()]
    .filter(({ type }) => type === 'counter' || type === 'histogram')
    .flatMap(({ samples }) => samples.map(({ name, labels, value }) => [`${name}${JSON.stringify([...labels])}`, value] as const));
}
