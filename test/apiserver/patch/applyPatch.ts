import { ApiError } from '../apiError.ts';
import {
  encodeEntries, entriesOf, isSameManager, withEntries, type ManagedEntry, type ManagerKey,
} from '../fields/managedFields.ts';
import { eachPath, fieldsOfObject, filterPaths, hasBelow, hasPath, keyText, step, type FieldSet } from '../fields/fieldSet.ts';
import { copy, isRecord, list, same, type JsonObject, type KubeObject } from '../json.ts';
import { fieldSchema } from '../schema/prune.ts';
import type { Schema } from '../schema/schema.ts';

/** Who applies, and whether conflicts are overruled. */
export interface ApplyOptions extends ManagerKey {
  readonly time: string;
  readonly force: boolean;
}

/**
 * Server-side apply: `live` (null: nothing there yet) with what `applied` says, without what the same manager applied before
 * and nobody else owns. Throws 409 with one cause per conflicting field.
 */
export function applyPatch(live: KubeObject | null, applied: KubeObject, schema: Schema, options: ApplyOptions): KubeObject {
  const wanted = fieldsOfObject(applied, schema);
  const entries = entriesOf(live);
  const others = entries.filter((entry) => !isSameManager(entry, options));
  const mine = entries.find((entry) => isSameManager(entry, options));
  const conflicts = live === null ? [] : others.map((entry) => ({ entry, paths: conflictsWith(entry, live, applied, { wanted, schema }) }));
  if (!options.force) refuse(conflicts.filter(({ paths }) => paths.length > 0));
  const merged = mergeApplied(live ?? {}, applied, schema) as KubeObject;
  const kept = others.map((entry) => {
    const lost = new Set(conflicts.find((one) => one.entry === entry)?.paths.map((path) => path.join('\n')));
    return { ...entry, fields: filterPaths(entry.fields, (path) => !lost.has(path.join('\n'))) };
  });
  if (mine !== undefined) removeDropped(merged, mine.fields, { wanted, others: kept, schema });
  const left = fieldsOfObject(merged, schema, true);
  const remaining = kept.map((entry) => ({ ...entry, fields: filterPaths(entry.fields, (path) => hasBelow(left, path)) }));
  return withEntries(merged, encodeEntries(appendMine(remaining, mine, wanted, options)));
}

function appendMine(others: ManagedEntry[], mine: ManagedEntry | undefined, wanted: FieldSet, options: ApplyOptions): ManagedEntry[] {
  const { force: _force, ...by } = options;
  const fresh: ManagedEntry = { ...by, fields: wanted };
  const unchanged = mine !== undefined && same(encodeEntries([{ ...fresh, time: mine.time }]), encodeEntries([mine]));
  // Appliers come first, as the server sorts them.
  const appliers = others.filter(({ operation }) => operation === 'Apply');
  const updaters = others.filter(({ operation }) => operation === 'Update');
  return [...appliers, unchanged ? { ...fresh, time: mine.time } : fresh, ...updaters];
}

interface Wanted {
  readonly wanted: FieldSet;
  readonly schema: Schema;
}

function valueAt(object: unknown, path: readonly string[], schema: Schema): unknown {
  let place = { value: object, schema };
  for (const element of path) place = step(place.value, element, place.schema);
  return place.value;
}

function conflictsWith(entry: ManagedEntry, live: KubeObject, applied: KubeObject, { wanted, schema }: Wanted): (readonly string[])[] {
  const paths: (readonly string[])[] = [];
  eachPath(wanted, (path) => {
    if (!hasPath(entry.fields, path)) return;
    const [before, after] = [valueAt(live, path, schema), valueAt(applied, path, schema)];
    const isNode = path.at(-1)?.startsWith('k:') === true || nodeOf(wanted, path)?.size !== 0;
    if (!isNode && !same(before, after)) paths.push(path);
  });
  return paths;
}

function nodeOf(set: FieldSet, path: readonly string[]): FieldSet | undefined {
  return path.reduce<FieldSet | undefined>((node, element) => node?.get(element), set);
}

function refuse(conflicts: readonly { readonly entry: ManagedEntry; readonly paths: readonly (readonly string[])[] }[]): void {
  const causes = conflicts.flatMap(({ entry, paths }) => {
    const using = entry.operation === 'Update' ? ` using ${entry.apiVersion}` : '';
    const below = entry.subresource === '' ? '' : ` with subresource "${entry.subresource}"`;
    return paths.map((path) => ({
      reason: 'FieldManagerConflict', message: `conflict with "${entry.manager}"${below}${using}`, field: fieldText(path),
    }));
  });
  const [first] = causes;
  if (first === undefined) return;
  const many = causes.length > 1 ? 's' : '';
  const fields = causes.length === 1 ? `${first.message}: ${first.field}`
    : `conflicts with ${[...new Set(causes.map(({ message }) => message.replace(/^conflict with /, '')))].join(', ')}:\n${causes.map(({ field }) => `- ${field}`).join('\n')}`;
  throw new ApiError(409, 'Conflict', `Apply failed with ${causes.length} conflict${many}: ${fields}`, { causes });
}

/** `.spec.ports[port=80,protocol="TCP"].name` */
function fieldText(path: readonly string[]): string {
  return path.map((element) => {
    const rest = element.slice(2);
    if (element.startsWith('f:')) return `.${rest}`;
    if (element.startsWith('v:')) return `[=${rest}]`;
    return `[${Object.entries(JSON.parse(rest) as JsonObject).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
  }).join('');
}

function mergeApplied(live: unknown, applied: unknown, schema: Schema): unknown {
  if (isRecord(applied) && isRecord(live) && schema['x-kubernetes-map-type'] !== 'atomic') {
    const result: JsonObject = { ...live };
    for (const [field, value] of Object.entries(applied)) result[field] = mergeApplied(live[field], value, fieldSchema(schema, field) ?? {});
    return result;
  }
  if (Array.isArray(applied) && Array.isArray(live)) return mergeLists(live, applied, schema);
  return copy(applied);
}

function mergeLists(live: readonly unknown[], applied: readonly unknown[], schema: Schema): unknown {
  const type = schema['x-kubernetes-list-type'];
  if (type === 'set') return [...live, ...applied.filter((element) => !live.some((one) => same(one, element)))];
  if (type !== 'map') return copy(applied);
  const rest = new Map(applied.map((element) => [keyText(element, schema), element]));
  const merged = live.map((element) => {
    const key = keyText(element, schema);
    const change = rest.get(key);
    rest.delete(key);
    return change === undefined ? element : mergeApplied(element, change, schema.items ?? {});
  });
  return [...merged, ...copy([...rest.values()])];
}

interface Dropping extends Wanted {
  readonly others: readonly ManagedEntry[];
}

function removeDropped(merged: KubeObject, mine: FieldSet, { wanted, others, schema }: Dropping): void {
  const dropped: (readonly string[])[] = [];
  eachPath(mine, (path) => {
    if (path.length > 0 && !hasBelow(wanted, path) && !others.some((entry) => hasBelow(entry.fields, path))) dropped.push(path);
  });
  // An element of a list goes as a whole before its fields, by which it is found.
  for (const path of dropped.toSorted((one, other) => one.length - other.length)) {
    removeAt(merged, path, schema);
    for (let parent = path.slice(0, -1); parent.length > 0 && isEmpty(valueAt(merged, parent, schema)) && !hasBelow(wanted, parent); parent = parent.slice(0, -1)) {
      removeAt(merged, parent, schema);
    }
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Copies what it changes on the way down: `live` shares its parts with `merged`. */
function removeAt(root: KubeObject, path: readonly string[], schema: Schema): void {
  let place: { value: unknown; schema: Schema } = { value: root, schema };
  const last = path.at(-1) ?? '';
  for (const element of path.slice(0, -1)) {
    const next = step(place.value, element, place.schema);
    const cloned: unknown = Array.isArray(next.value) ? [...(next.value as unknown[])] : isRecord(next.value) ? { ...next.value } : next.value;
    replaceStep(place.value, element, cloned, place.schema);
    place = { value: cloned, schema: next.schema };
  }
  if (last.startsWith('f:') && isRecord(place.value)) delete place.value[last.slice(2)];
  if (Array.isArray(place.value)) {
    const target = step(place.value, last, place.schema).value;
    const index = place.value.indexOf(target);
    if (index >= 0) place.value.splice(index, 1);
  }
}

function replaceStep(parent: unknown, element: string, value: unknown, schema: Schema): void {
  if (isRecord(parent) && element.startsWith('f:')) parent[element.slice(2)] = value;
  if (Array.isArray(parent)) {
    const index = list(parent).indexOf(step(parent, element, schema).value);
    if (index >= 0) parent[index] = value;
  }
}
