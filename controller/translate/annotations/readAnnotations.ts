import type { Problem } from '../../../core/ir/problem.ts';
import type { Ingress } from '../../model/ingress.ts';
import { problemOf, type Finding } from '../problemOf.ts';
import { denialEffect, judgeUnsupported, widerDenial, type Denial } from './judgeUnsupported.ts';
import type { AnnotationRow, AnyAnnotationRow } from './row.ts';
import { ANNOTATIONS } from './table.ts';

/** The prefix ingress-nginx's users write. */
export const NGINX_PREFIX = 'nginx.ingress.kubernetes.io/';
/** Gatehouse's own prefix: the same names, and it wins where both are set. */
export const OWN_PREFIX = 'gatehouse.dev/';

const MAX_VALUE_CHARS = 4096;
/** Past this many problems of one Ingress no nearest known name is looked for: the search costs more than all else here. */
const MAX_SUGGESTIONS = 20;

/** What the annotations of one Ingress say. */
export interface AnnotationValues {
  /** The value, or the row's default when the annotation is absent or bad. */
  get<T>(row: AnnotationRow<T>): T;
  /** Whether a good value is set. */
  has(row: { readonly name: string }): boolean;
  /** Whether any value is set, good or bad. */
  isWritten(row: { readonly name: string }): boolean;
  /** Field path of the annotation as it is written, with the prefix that counts. */
  fieldOf(row: { readonly name: string }): string;
}

/** Values, every fault found on the way, and whether the Ingress must not be served. */
export interface AnnotationReading {
  readonly values: AnnotationValues;
  readonly denial: Denial | null;
  readonly problems: readonly Problem[];
}

/** One annotation as written. */
interface Entry {
  /** With prefix. */
  readonly key: string;
  /** Without. */
  readonly name: string;
  readonly text: string;
}

/** Field path of an annotation, as kubectl prints it. */
export function annotationField(key: string): string {
  return `metadata.annotations[${key}]`;
}

/** Reads the annotations with either prefix. A bad value concerns this Ingress alone; an empty one counts as absent. */
export function readAnnotations(ingress: Ingress): AnnotationReading {
  const values = new Map<string, unknown>();
  const problems: Problem[] = [];
  const report = (finding: Finding): number => problems.push(problemOf(ingress, finding));
  const entries = entriesOf(ingress);
  let denial: Denial | null = null;
  for (const entry of entries.values()) {
    const row = ANNOTATIONS.get(entry.name);
    if (row !== undefined) {
      denial = widerDenial(denial, readValue(entry, row, values, report));
      continue;
    }
    const judged = judgeUnsupported(entry, problems.length < MAX_SUGGESTIONS);
    if (judged.finding !== null) report({ ...judged.finding, field: annotationField(entry.key) });
    denial = widerDenial(denial, judged.denial);
  }
  for (const entry of entries.values()) reportMissingNeed(entry, entries, report);
  return {
    values: {
      get: <T>(row: AnnotationRow<T>) => (values.has(row.name) ? (values.get(row.name) as T) : row.default),
      has: (row) => values.has(row.name),
      isWritten: (row) => entries.has(row.name),
      fieldOf: (row) => annotationField(entries.get(row.name)?.key ?? OWN_PREFIX + row.name),
    },
    denial,
    problems,
  };
}

/** name → entry, in the order of names, so that problems do not depend on the order in which annotations came. */
function entriesOf(ingress: Ingress): ReadonlyMap<string, Entry> {
  const entries: Entry[] = [];
  for (const [key, text] of ingress.metadata.annotations) {
    const prefix = key.startsWith(NGINX_PREFIX) ? NGINX_PREFIX : key.startsWith(OWN_PREFIX) ? OWN_PREFIX : null;
    if (prefix !== null && text !== '') entries.push({ key, name: key.slice(prefix.length), text });
  }
  // `gatehouse.dev/` sorts before `nginx.`: from behind, the own prefix comes last and wins.
  entries.sort((a, b) => (a.name === b.name ? (a.key < b.key ? 1 : -1) : a.name < b.name ? -1 : 1));
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function readValue(
  entry: Entry,
  row: AnyAnnotationRow,
  values: Map<string, unknown>,
  report: (finding: Finding) => void,
): Denial | null {
  const parsed =
    entry.text.length > MAX_VALUE_CHARS
      ? { ok: false as const, rule: `must have at most ${MAX_VALUE_CHARS} characters` }
      : row.parse(entry.text);
  if (parsed.ok) {
    values.set(row.name, parsed.value);
    return null;
  }
  if (row.whenInvalid !== undefined) values.set(row.name, row.whenInvalid.value);
  const effect = row.whenInvalid?.effect ?? defaultEffect(row);
  report({ severity: 'error', field: annotationField(entry.key), rule: parsed.rule, value: entry.text, effect });
  if (row.denyWhenInvalid === undefined) return null;
  return { scope: row.denyWhenInvalid, reason: `annotation ${entry.key} ${parsed.rule}` };
}

function defaultEffect(row: AnyAnnotationRow): string {
  if (row.denyWhenInvalid !== undefined) return denialEffect(row.denyWhenInvalid);
  if (row.configMapKey !== undefined) return 'the default is used';
  if (row.default === null) return 'the annotation has no effect';
  return `the default ${row.defaultText ?? JSON.stringify(row.default)} is used`;
}

function reportMissingNeed(entry: Entry, entries: ReadonlyMap<string, Entry>, report: (finding: Finding) => void): void {
  const needs = ANNOTATIONS.get(entry.name)?.needs;
  if (needs === undefined || entries.has(needs)) return;
  report({
    severity: 'warning',
    field: annotationField(entry.key),
    rule: `takes effect only together with ${needs}`,
    effect: 'the annotation has no effect',
  });
}
