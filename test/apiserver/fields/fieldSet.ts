import { isRecord, type JsonObject } from '../json.ts';
import { fieldSchema } from '../schema/prune.ts';
import type { Schema } from '../schema/schema.ts';
import { mapKey } from '../schema/validate.ts';

/**
 * Fields that somebody owns, as a tree: path elements as in `fieldsV1` (`f:name`, `k:{…}`, `v:…`), with `.` for the node itself
 * beside children. A leaf has no children.
 */
export type FieldSet = Map<string, FieldSet>;

const META_IGNORED = new Set([
  'name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'selfLink', 'managedFields',
  'deletionGracePeriodSeconds', 'generateName',
]);

/**
 * All fields of an object, without those nobody owns (apiVersion, kind, the server's own metadata). `nodes`: maps and lists with
 * keys are fields of their own, as in the entries of updates.
 */
export function fieldsOfObject(object: JsonObject, schema: Schema, nodes = false): FieldSet {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const owned = Object.fromEntries(Object.entries(isRecord(metadata) ? metadata : {}).filter(([field]) => !META_IGNORED.has(field)));
  return fieldsOf(Object.keys(owned).length === 0 ? rest : { metadata: owned, ...rest }, schema, nodes);
}

/** All fields of `value`, those within sets and keyed lists too; atomic parts are one leaf. */
function fieldsOf(value: unknown, schema: Schema, nodes: boolean): FieldSet {
  const set: FieldSet = new Map();
  if (isRecord(value) && schema['x-kubernetes-map-type'] !== 'atomic') {
    for (const [field, inner] of Object.entries(value)) set.set(`f:${field}`, fieldsOf(inner, fieldSchema(schema, field) ?? {}, nodes));
  } else if (Array.isArray(value) && schema['x-kubernetes-list-type'] === 'map') {
    for (const element of value) set.set(`k:${keyText(element, schema)}`, elementFields(element, schema.items ?? {}, nodes));
  } else if (Array.isArray(value) && schema['x-kubernetes-list-type'] === 'set') {
    for (const element of value) set.set(`v:${JSON.stringify(element)}`, new Map());
  }
  if (nodes && set.size > 0 && (schema.additionalProperties !== undefined || Array.isArray(value))) set.set('.', new Map());
  return set;
}

function elementFields(element: unknown, schema: Schema, nodes: boolean): FieldSet {
  const set = fieldsOf(element, schema, nodes);
  if (set.size > 0) set.set('.', new Map());
  return set;
}

/** The key of an element as `fieldsV1` writes it. */
export function keyText(element: unknown, schema: Schema): string {
  const key = mapKey(element, schema);
  return JSON.stringify(Object.fromEntries(Object.entries(key).toSorted(([one], [other]) => (one < other ? -1 : 1))));
}

/** What stands in `value` at a path element; undefined: nothing. */
export function step(value: unknown, element: string, schema: Schema): { readonly value: unknown; readonly schema: Schema } {
  const rest = element.slice(2);
  if (element.startsWith('f:')) {
    const inner = isRecord(value) && Object.hasOwn(value, rest) ? value[rest] : undefined;
    return { value: inner, schema: fieldSchema(schema, rest) ?? {} };
  }
  const elements: readonly unknown[] = Array.isArray(value) ? value : [];
  const text = (one: unknown): string => (element.startsWith('k:') ? keyText(one, schema) : JSON.stringify(one));
  return { value: elements.find((one) => text(one) === rest), schema: schema.items ?? {} };
}

/** Paths of all leaves and of all nodes that are owned themselves; `visit` gets the path elements. */
export function eachPath(set: FieldSet, visit: (path: readonly string[]) => void, path: readonly string[] = []): void {
  for (const [element, children] of set) {
    if (element === '.') {
      visit(path);
      continue;
    }
    const inner = [...path, element];
    if (children.size === 0) visit(inner);
    else eachPath(children, visit, inner);
  }
}

/** Whether the very path is owned. */
export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node.get(element);
    if (node === undefined) return false;
  }
  return node.size === 0 || node.has('.');
}

/** Whether the path or anything below it is owned. */
export function hasBelow(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node.get(element);
    if (node === undefined) return false;
  }
  return true;
}

/** Both together. */
export function union(one: FieldSet, other: FieldSet): FieldSet {
  const result: FieldSet = new Map(one);
  for (const [element, children] of other) {
    const mine = result.get(element);
    if (mine === undefined) result.set(element, children);
    else result.set(element, unite(mine, children));
  }
  return result;
}

function unite(one: FieldSet, other: FieldSet): FieldSet {
  const merged = union(one, other);
  const leaf = one.size === 0 || other.size === 0;
  if (leaf && merged.size > 0) merged.set('.', new Map());
  return merged;
}

/** The paths of `set` that `keep` accepts. */
export function filterPaths(set: FieldSet, keep: (path: readonly string[]) => boolean): FieldSet {
  const result: FieldSet = new Map();
  eachPath(set, (path) => {
    if (keep(path)) addPath(result, path);
  });
  return result;
}

function addPath(set: FieldSet, path: readonly string[]): void {
  let node = set;
  for (const element of path) {
    let next = node.get(element);
    if (next === undefined) {
      // A leaf that gets children stays owned itself.
      if (node !== set && node.size === 0 && leaves.has(node)) node.set('.', new Map());
      next = new Map();
      node.set(element, next);
    }
    node = next;
  }
  if (node.size > 0) node.set('.', new Map());
  else leaves.add(node);
}

const leaves = new WeakSet<FieldSet>();

/** As `fieldsV1` of managedFields. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const sorted = [...set].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([element, children]) => [element, toFieldsV1(children)]));
}

/** The other way round. */
export function fromFieldsV1(fields: unknown): FieldSet {
  return new Map(Object.entries(isRecord(fields) ? fields : {}).map(([element, children]) => [element, fromFieldsV1(children)]));
}
