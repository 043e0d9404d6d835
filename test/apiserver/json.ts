/** An object of JSON whose fields are not known. */
export type JsonObject = { [field: string]: unknown };

/** `metadata` of an object (meta/v1 ObjectMeta), as far as the server itself reads it. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: JsonObject[];
  managedFields?: JsonObject[];
  [field: string]: unknown;
}

/** A Kubernetes object. Stored ones are never changed in place. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** Whether `value` is an object and no array. */
export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `value` where it is an object, else an empty one. */
export function record(value: unknown): JsonObject {
  return isRecord(value) ? value : {};
}

/** `value` where it is an array, else an empty one. */
export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The objects among the elements of `value`. */
export function records(value: unknown): JsonObject[] {
  return list(value).filter(isRecord);
}

/** `value` where it is a string, else the empty one. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A string, number or flag as text; anything else is the empty one. */
export function scalar(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** What stands at `path` in `value`; undefined where nothing does. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, field) => (isRecord(inner) ? inner[field] : undefined), value);
}

/** A copy that shares nothing with `value`. */
export function copy<T>(value: T): T {
  if (Array.isArray(value)) return value.map((element: unknown) => copy(element)) as T;
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, copy(inner)])) as T;
}

/** Whether both are the same JSON; the order of fields does not count, and an absent field is an undefined one. */
export function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((element, index) => same(element, other[index]));
  }
  if (!isRecord(one) || !isRecord(other)) return false;
  for (const field of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (!same(one[field], other[field])) return false;
  }
  return true;
}
