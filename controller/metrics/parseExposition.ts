/** One sample line of Prometheus text. */
export interface ParsedSample {
  readonly name: string;
  /** label name → value, unescaped. */
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** A family with its samples. */
export interface ParsedFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ParsedSample[];
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const TYPES = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);
const HISTOGRAM_SUFFIXES = ['_bucket', '_sum', '_count'];

/**
 * Reads Prometheus text format 0.0.4, more strictly than Prometheus does: HELP and TYPE once and ahead of the samples, a
 * family in one piece, no sample twice, buckets cumulative up to `+Inf` and equal to the count. Throws an Error that
 * quotes the offending line. For tests and for reading what another process exposes.
 */
export function parseExposition(text: string): ReadonlyMap<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end in a line feed');
  const families = new Map<string, { help: string; type: string; samples: ParsedSample[] }>();
  const seen = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment !== null) {
      const [, keyword = '', name = '', rest = ''] = comment;
      current = name;
      if (keyword === 'TYPE') setType(families.get(name), rest, line);
      else if (families.has(name)) throw new Error(`a family in two pieces: ${line}`);
      else families.set(name, { help: rest, type: '', samples: [] });
      continue;
    }
    const sample = parseSample(line);
    const key = `${sample.name}${labelKey(sample.labels)}`;
    if (seen.has(key)) throw new Error(`a sample twice: ${line}`);
    seen.add(key);
    const family = families.get(current);
    if (family === undefined || !belongs(sample.name, current, family.type)) throw new Error(`no family: ${line}`);
    family.samples.push(sample);
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family.samples);
  return families;
}

function setType(family: { type: string } | undefined, type: string, line: string): void {
  if (family === undefined || family.type !== '' || !TYPES.has(type)) throw new Error(`misplaced or unknown type: ${line}`);
  family.type = type;
}

function belongs(sampleName: string, familyName: string, type: string): boolean {
  if (type === 'histogram') return HISTOGRAM_SUFFIXES.some((suffix) => sampleName === `${familyName}${suffix}`);
  return type !== '' && sampleName === familyName;
}

function parseSample(line: string): ParsedSample {
  const name = METRIC_NAME.exec(line)?.[0];
  if (name === undefined) throw new Error(`no metric name: ${line}`);
  const labels = new Map<string, string>();
  let rest = line.slice(name.length);
  if (rest.startsWith('{')) rest = parseLabels(rest.slice(1), labels, line);
  const value = /^ (\S+)$/.exec(rest)?.[1];
  if (value === undefined) throw new Error(`no single value: ${line}`);
  return { name, labels, value: parseValue(value, line) };
}

/** Reads up to the closing brace and returns what follows it. */
function parseLabels(text: string, labels: Map<string, string>, line: string): string {
  let rest = text;
  while (!rest.startsWith('}')) {
    const name = LABEL_NAME.exec(rest)?.[0] ?? '';
    const value = /^="((?:[^"\\\n]|\\[\\"n])*)"/.exec(rest.slice(name.length));
    if (name === '' || value === null || labels.has(name)) throw new Error(`bad label: ${line}`);
    labels.set(name, (value[1] ?? '').replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)));
    rest = rest.slice(name.length + value[0].length);
    if (rest.startsWith(',')) rest = rest.slice(1);
    else if (!rest.startsWith('}')) throw new Error(`labels not closed: ${line}`);
  }
  return rest.slice(1);
}

function parseValue(text: string, line: string): number {
  if (text === '+Inf' || text === '-Inf') return text === '+Inf' ? Infinity : -Infinity;
  if (text.toLowerCase() === 'nan') return Number.NaN;
  if (!/^-?[0-9.]+(e[+-]?[0-9]+)?$/i.test(text)) throw new Error(`bad value: ${line}`);
  return Number(text);
}

/** The same for the same labels in any order. */
function labelKey(labels: ReadonlyMap<string, string>): string {
  return JSON.stringify([...labels].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function checkHistogram(name: string, samples: readonly ParsedSample[]): void {
  /** labels without `le` → [bound, count] of its buckets, in order. */
  const buckets = new Map<string, [number, number][]>();
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const others = labelKey(new Map([...sample.labels].filter(([label]) => label !== 'le')));
    if (sample.name.endsWith('_count')) counts.set(others, sample.value);
    if (!sample.name.endsWith('_bucket')) continue;
    const list = buckets.get(others) ?? [];
    list.push([parseValue(sample.labels.get('le') ?? '', name), sample.value]);
    buckets.set(others, list);
  }
  for (const [labels, list] of buckets) {
    const last = list.at(-1);
    const ascends = list.every(([bound, count], index) => {
      const before = list[index - 1];
      return before === undefined || (bound > before[0] && count >= before[1]);
    });
    const isWhole = last !== undefined && last[0] === Infinity && last[1] === counts.get(labels);
    if (!ascends || !isWhole) throw new Error(`${name}${labels}: buckets do not add up`);
  }
}
