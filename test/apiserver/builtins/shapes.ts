import type { Schema } from '../schema/schema.ts';

/** Short ways to write schemas of built-in kinds. */
export const string: Schema = { type: 'string' };
export const integer: Schema = { type: 'integer' };
export const boolean: Schema = { type: 'boolean' };
export const time: Schema = { type: 'string', format: 'date-time', nullable: true };
export const anything: Schema = { 'x-kubernetes-preserve-unknown-fields': true };
export const strings: Schema = { type: 'object', additionalProperties: string };
export const intOrString: Schema = { 'x-kubernetes-int-or-string': true };

/** An object with these fields. */
export function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', properties };
}

/** An object that is replaced as a whole. */
export function atomic(schema: Schema): Schema {
  return { ...schema, 'x-kubernetes-map-type': 'atomic' };
}

/** A list that is replaced as a whole. */
export function listOf(items: Schema): Schema {
  return { type: 'array', items, 'x-kubernetes-list-type': 'atomic' };
}

/** A set of scalars. */
export function setOf(items: Schema): Schema {
  return { type: 'array', items, 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' };
}

/** A list whose elements are told apart by `keys`; the first is the merge key of strategic merge patches. */
export function keyed(keys: readonly [string, ...string[]], items: Schema): Schema {
  return {
    type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys,
    'x-kubernetes-patch-strategy': 'merge', 'x-kubernetes-patch-merge-key': keys[0],
  };
}

/** A list that patches merge by a key, but applies replace. */
export function mergedBy(key: string, items: Schema): Schema {
  return { ...listOf(items), 'x-kubernetes-patch-strategy': 'merge', 'x-kubernetes-patch-merge-key': key };
}

/** meta/v1 Condition, keyed by type. */
export const conditions: Schema = keyed(['type'], object({
  type: string, status: string, observedGeneration: integer, lastTransitionTime: time, lastUpdateTime: time, lastProbeTime: time,
  lastHeartbeatTime: time, reason: string, message: string,
}));

/** meta/v1 LabelSelector. */
export const labelSelector: Schema = atomic(object({
  matchLabels: strings, matchExpressions: listOf(object({ key: string, operator: string, values: listOf(string) })),
}));

/** core/v1 ObjectReference. */
export const objectReference: Schema = atomic(object({
  kind: string, namespace: string, name: string, uid: string, apiVersion: string, resourceVersion: string, fieldPath: string,
}));
