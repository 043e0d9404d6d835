import { badRequest } from '../apiError.ts';
import { isRecord, list, records, same, text, type JsonObject } from '../json.ts';
import { fieldSchema } from '../schema/prune.ts';
import type { Schema } from '../schema/schema.ts';

/**
 * Strategic merge patch of built-in kinds: lists with a merge key are merged by it, sets of scalars are united, and the
 * directives `$patch` (replace, delete, merge), `$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`,
 * `$retainKeys` are followed. Throws 400 for a patch that does not fit.
 */
export function strategicMergePatch(target: unknown, patch: unknown, schema: Schema): unknown {
  if (!isRecord(patch)) return patch;
  const directive = text(patch['$patch']);
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  const result: JsonObject = isRecord(target) ? { ...target } : {};
  retainKeys(result, patch);
  for (const [field, value] of Object.entries(patch)) if (!field.startsWith('$')) mergeField(result, field, value, schema);
  for (const [field, value] of Object.entries(patch)) followDirective(result, field, value, schema);
  return result;
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !field.startsWith('$')));
}

function retainKeys(result: JsonObject, patch: JsonObject): void {
  if (patch['$retainKeys'] === undefined) return;
  const kept = list(patch['$retainKeys']);
  for (const field of Object.keys(result)) if (!kept.includes(field)) delete result[field];
}

function mergeField(result: JsonObject, field: string, value: unknown, schema: Schema): void {
  const of = fieldSchema(schema, field) ?? {};
  if (value === null) delete result[field];
  else if (Array.isArray(value)) result[field] = mergeList(list(result[field]), value, of);
  else if (isRecord(value)) result[field] = strategicMergePatch(result[field], value, of);
  else result[field] = value;
}

function mergeList(target: readonly unknown[], patch: readonly unknown[], schema: Schema): unknown[] {
  const strategy = schema['x-kubernetes-patch-strategy'] ?? '';
  const key = schema['x-kubernetes-patch-merge-key'];
  if (!strategy.split(',').includes('merge')) return [...patch];
  if (key === undefined) return [...target, ...patch.filter((element) => !target.some((one) => same(one, element)))];
  if (records(patch).some((element) => element['$patch'] === 'replace')) {
    return records(patch).filter((element) => element['$patch'] !== 'replace');
  }
  const merged = [...target];
  for (const element of records(patch)) mergeElement(merged, element, key, schema.items ?? {});
  return merged;
}

function mergeElement(merged: unknown[], element: JsonObject, key: string, schema: Schema): void {
  if (element[key] === undefined) throw badRequest(`map: ${JSON.stringify(element)} does not contain declared merge key: ${key}`);
  const index = merged.findIndex((one) => isRecord(one) && same(one[key], element[key]));
  if (element['$patch'] === 'delete') {
    if (index >= 0) merged.splice(index, 1);
  } else if (index < 0) merged.push(strategicMergePatch({}, element, schema));
  else merged[index] = strategicMergePatch(merged[index], element, schema);
}

function followDirective(result: JsonObject, directive: string, value: unknown, schema: Schema): void {
  const [name = '', field = ''] = directive.split('/', 2);
  if (name === '$deleteFromPrimitiveList') {
    result[field] = list(result[field]).filter((element) => !list(value).some((one) => same(one, element)));
  } else if (name === '$setElementOrder') {
    const key = fieldSchema(schema, field)?.['x-kubernetes-patch-merge-key'];
    if (result[field] !== undefined) result[field] = reorder(list(result[field]), list(value), key);
  }
}

/** Elements that `order` names come in that order; the others stay behind what they followed. */
function reorder(elements: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const keyed = (element: unknown): unknown => (key !== undefined && isRecord(element) ? element[key] : element);
  const rank = (element: unknown): number => order.findIndex((one) => same(keyed(one), keyed(element)));
  const named = elements.filter((element) => rank(element) >= 0).toSorted((one, other) => rank(one) - rank(other));
  const others = elements.filter((element) => rank(element) < 0);
  return [...named, ...others];
}
