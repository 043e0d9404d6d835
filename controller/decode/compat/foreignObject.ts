import { decodeObject, type Decoded } from '../decodeObject.ts';
import { entryOf, isPlainMap, type PlainMap } from '../plainMap.ts';
import { printBriefly } from '../problemCollector.ts';
import type { Kind, KubeObject } from '../../model/objects.ts';
import type { ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** What an object of another product means in ours. */
export interface OwnForm {
  readonly kind: Kind;
  /** Of the product. */
  readonly group: string;
  readonly metadata: PlainMap;
  readonly spec: PlainMap;
  /** Field in our form → field in theirs, so that problems name what was written; longer ones first. */
  readonly fields: readonly (readonly [string, string])[];
  /** What is not taken over. */
  readonly problems: readonly Problem[];
}

/**
 * Decodes it by the decoder of our own kind, so that one set of rules holds for all. `namespace` replaces that of the object:
 * empty for cluster-scoped kinds, which keeps their names apart from ours.
 */
export function decodeOwnForm(own: OwnForm, namespace: string): Decoded {
  const value = { apiVersion: 'gatehouse.dev/v1', kind: own.kind, metadata: own.metadata, spec: own.spec };
  const decoded = decodeObject(value, null);
  const ref = decoded.ref === null ? null : { ...decoded.ref, namespace };
  const problems = decoded.problems.map((problem) => renamed(problem, { ref, fields: own.fields }));
  const { object } = decoded;
  const placed = object === null ? null : placedIn(object, { namespace, group: own.group });
  return { object: placed, ref, problems: [...problems, ...own.problems.map((problem) => ({ ...problem, object: ref }))] };
}

function placedIn(object: KubeObject, { namespace, group }: { readonly namespace: string; readonly group: string }): KubeObject {
  const placed = { ...object, metadata: { ...object.metadata, namespace } };
  return 'group' in placed ? { ...placed, group } : placed;
}

function renamed(problem: Problem, to: { readonly ref: ObjectRef | null; readonly fields: OwnForm['fields'] }): Problem {
  const entry = to.fields.find(([own]) => problem.field === own || problem.field.startsWith(`${own}.`) || problem.field.startsWith(`${own}[`));
  const field = entry === undefined ? problem.field : `${entry[1]}${problem.field.slice(entry[0].length)}`;
  return { ...problem, field, object: problem.object === null ? null : to.ref };
}

/** A field that means something to the other product and nothing here. */
export function notTaken(field: string, effect: string, value?: unknown): Problem {
  return {
    severity: 'warning',
    object: null,
    position: null,
    field,
    rule: 'is not taken over',
    value: value === undefined ? '' : printBriefly(value),
    effect,
  };
}

/** A fault of an object that is taken over in no part. */
export function refused(field: string, rule: string, effect: string): Problem {
  return { severity: 'error', object: null, position: null, field, rule, value: '', effect };
}

/** The value at a path of keys; undefined where something on the way is absent or no map. */
export function valueAt(value: unknown, ...keys: readonly string[]): unknown {
  let current: unknown = value;
  for (const key of keys) current = isPlainMap(current) ? entryOf(current, key) : undefined;
  return current;
}

/** True for what somebody meant: neither absent nor the empty value that Go writes for it. */
export function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false || value === 0) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isPlainMap(value) || Object.values(value).some(isSet);
}

/** Warnings for those fields of `map` that are set. */
export function notTakenFields(map: unknown, path: string, effects: Readonly<Record<string, string>>): Problem[] {
  return Object.entries(effects)
    .filter(([key]) => isSet(valueAt(map, key)))
    .map(([key, effect]) => notTaken(`${path}.${key}`, effect, valueAt(map, key)));
}

/** Entries without those that are not set. */
export function withoutUnset(entries: Readonly<Record<string, unknown>>): PlainMap {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => isSet(value)));
}
