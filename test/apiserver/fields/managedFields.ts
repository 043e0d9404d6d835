import { isRecord, record, same, text, type JsonObject, type KubeObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { fieldsOfObject, filterPaths, fromFieldsV1, hasBelow, step, toFieldsV1, union, type FieldSet } from './fieldSet.ts';

/** Whose fields: one entry of `metadata.managedFields`. */
export interface ManagerKey {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** Empty: the object itself. */
  readonly subresource: string;
}

/** An entry, decoded. */
export interface ManagedEntry extends ManagerKey {
  readonly time: string;
  readonly fields: FieldSet;
}

/** Entries of an object; what is no entry is left out. */
export function entriesOf(object: KubeObject | null): ManagedEntry[] {
  return (object?.metadata.managedFields ?? []).filter(isRecord).filter((entry) => text(entry['manager']) !== '').map((entry) => ({
    manager: text(entry['manager']),
    operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update',
    apiVersion: text(entry['apiVersion']),
    subresource: text(entry['subresource']),
    time: text(entry['time']),
    fields: fromFieldsV1(entry['fieldsV1']),
  }));
}

/** The other way round; entries without fields are left out. */
export function encodeEntries(entries: readonly ManagedEntry[]): JsonObject[] {
  return entries.filter(({ fields }) => fields.size > 0).map((entry) => ({
    manager: entry.manager, operation: entry.operation, apiVersion: entry.apiVersion, time: entry.time, fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(entry.fields), ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
  }));
}

/** Whether both are the same entry. */
export function isSameManager(one: ManagerKey, other: ManagerKey): boolean {
  return one.manager === other.manager && one.operation === other.operation && one.subresource === other.subresource &&
    (one.operation === 'Apply' || one.apiVersion === other.apiVersion);
}

/**
 * Entries after `by` has changed `old` (null: created it) to `object` by other means than apply: what changed is by's, what is
 * gone is nobody's. An object that comes with `managedFields: [{}]` starts anew.
 */
export function trackUpdate(old: KubeObject | null, object: KubeObject, schema: Schema, by: ManagerKey & { readonly time: string }): JsonObject[] {
  const resets = object.metadata.managedFields !== undefined && object.metadata.managedFields.every((entry) => Object.keys(entry).length === 0);
  const before = old === null || resets ? [] : entriesOf(old);
  const fields = fieldsOfObject(object, schema, true);
  const changed = old === null ? fields : difference(fields, old, object, schema);
  const entries: ManagedEntry[] = [];
  let mine: ManagedEntry | null = null;
  for (const entry of before) {
    const own = isSameManager(entry, by);
    const kept = filterPaths(entry.fields, (path) => hasBelow(fields, path) && (own || !hasLeaf(changed, path)));
    if (own) mine = { ...entry, fields: kept };
    else entries.push({ ...entry, fields: kept });
  }
  const united = union(mine?.fields ?? new Map<string, FieldSet>(), changed);
  const touched = mine === null || changed.size > 0 || !same(toFieldsV1(united), toFieldsV1(mine.fields));
  entries.push({ ...by, time: touched ? by.time : (mine?.time ?? by.time), fields: united });
  return encodeEntries(entries);
}

function hasLeaf(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node?.get(element);
  return node !== undefined && node.size === 0;
}

/** The part of `fields` (all fields of `object`) whose values are not the same in `old`. */
function difference(fields: FieldSet, old: unknown, object: unknown, schema: Schema): FieldSet {
  const result: FieldSet = new Map();
  for (const [element, children] of fields) {
    if (element === '.') continue;
    const after = step(object, element, schema);
    const before = step(old, element, schema);
    if (same(before.value, after.value)) continue;
    if (children.size === 0 || before.value === undefined) result.set(element, children);
    else {
      const inner = difference(children, before.value, after.value, after.schema);
      if (inner.size > 0) result.set(element, inner);
    }
  }
  return result;
}

/** The metadata with other entries; none: without the field. */
export function withEntries(object: KubeObject, entries: JsonObject[]): KubeObject {
  const { managedFields: _old, ...metadata } = record(object.metadata);
  return { ...object, metadata: { ...metadata, ...(entries.length === 0 ? {} : { managedFields: entries }) } as KubeObject['metadata'] };
}
