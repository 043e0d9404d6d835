import { isRecord, type JsonObject } from '../json.ts';
import type { Schema } from './schema.ts';

/** A copy of `value` without the fields `schema` does not know; their paths are added to `unknown`. */
export function prune(value: unknown, schema: Schema, unknown: string[] = [], path = ''): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return value.map((element, index) => (items === undefined ? element : prune(element, items, unknown, `${path}[${index}]`)));
  }
  if (!isRecord(value)) return value;
  if (schema['x-kubernetes-embedded-resource'] === true) return pruneFields(value, embedded(schema), unknown, path);
  return pruneFields(value, schema, unknown, path);
}

function embedded(schema: Schema): Schema {
  const any: Schema = { 'x-kubernetes-preserve-unknown-fields': true };
  return { ...schema, properties: { apiVersion: any, kind: any, metadata: any, ...schema.properties } };
}

function pruneFields(value: JsonObject, schema: Schema, unknown: string[], path: string): JsonObject {
  const kept: [string, unknown][] = [];
  for (const [field, inner] of Object.entries(value)) {
    const fieldPath = path === '' ? field : `${path}.${field}`;
    const of = fieldSchema(schema, field);
    if (of !== null) kept.push([field, prune(inner, of, unknown, fieldPath)]);
    else unknown.push(fieldPath);
  }
  return Object.fromEntries(kept);
}

const ANYTHING: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

/** Schema of a field of an object; null: the field is not known. */
export function fieldSchema(schema: Schema, field: string): Schema | null {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, field)) return schema.properties[field] ?? null;
  if (isRecord(schema.additionalProperties)) return schema.additionalProperties as Schema;
  if (schema.additionalProperties === true || schema['x-kubernetes-preserve-unknown-fields'] === true) return ANYTHING;
  return null;
}
