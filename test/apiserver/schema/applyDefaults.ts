import { copy, isRecord } from '../json.ts';
import type { Schema } from './schema.ts';

/** Fills in the defaults of `schema`, in place; null where it is not allowed and a default exists counts as absent. */
export function applyDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    for (const element of value) if (schema.items !== undefined) applyDefaults(element, schema.items);
    return;
  }
  if (!isRecord(value)) return;
  for (const [field, of] of Object.entries(schema.properties ?? {})) {
    const inner = value[field];
    if (inner === undefined || (inner === null && of.nullable !== true)) {
      if (of.default !== undefined) value[field] = copy(of.default);
    }
    applyDefaults(value[field], of);
  }
  if (!isRecord(schema.additionalProperties)) return;
  for (const [field, inner] of Object.entries(value)) {
    if (schema.properties === undefined || !Object.hasOwn(schema.properties, field)) applyDefaults(inner, schema.additionalProperties as Schema);
  }
}

/** Drops fields that are null although `schema` does not allow it, in place, as is done to custom resources before defaults. */
export function dropNulls(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) for (const element of value) if (schema.items !== undefined) dropNulls(element, schema.items);
  if (!isRecord(value)) return;
  for (const [field, of] of Object.entries(schema.properties ?? {})) {
    if (value[field] === null && of.nullable !== true && of['x-kubernetes-preserve-unknown-fields'] !== true) delete value[field];
    else dropNulls(value[field], of);
  }
}
