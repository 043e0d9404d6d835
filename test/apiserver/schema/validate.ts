import { RE2JS } from 're2js';
import { invalidValue, notSupported, required, type FieldError } from '../fieldError.ts';
import { isRecord, same, type JsonObject } from '../json.ts';
import { hasFormat } from './formats.ts';
import { fieldSchema } from './prune.ts';
import type { Schema } from './schema.ts';

/** Faults of `value` by `schema`, CEL rules apart; the words are those of the API server. */
export function validate(value: unknown, schema: Schema, path = ''): FieldError[] {
  if (value === null && schema.nullable === true) return [];
  const wrongType = typeError(value, schema, path);
  if (wrongType !== null) return [wrongType];
  const errors: FieldError[] = [];
  if (schema.enum !== undefined && !schema.enum.some((one) => same(one, value))) errors.push(notSupported(path, value, schema.enum));
  if (typeof value === 'string') errors.push(...stringErrors(value, schema, path));
  if (typeof value === 'number') errors.push(...numberErrors(value, schema, path));
  if (Array.isArray(value)) errors.push(...arrayErrors(value, schema, path));
  if (isRecord(value)) errors.push(...objectErrors(value, schema, path));
  errors.push(...combinedErrors(value, schema, path));
  return errors;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeError(value: unknown, schema: Schema, path: string): FieldError | null {
  const type = typeOf(value);
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (type === 'integer' || type === 'string') return null;
    return typeFault(path, type, 'integer,string');
  }
  if (schema.type === undefined || schema.type === type || (schema.type === 'number' && type === 'integer')) return null;
  return typeFault(path, type, schema.type);
}

function typeFault(path: string, type: string, wanted: string): FieldError {
  return { rule: 'type', field: path, value: type, detail: `${path} in body must be of type ${wanted}: "${type}"` };
}

const compiled = new Map<string, RE2JS>();

function matches(pattern: string, value: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = RE2JS.compile(pattern);
    compiled.set(pattern, expression);
  }
  return expression.matcher(value).find();
}

function stringErrors(value: string, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const length = Array.from(value).length;
  const fault = (detail: string): void => void errors.push(invalidValue(path, value, `${path} in body ${detail}`));
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    errors.push({ rule: 'tooLong', field: path, detail: `may not be more than ${schema.maxLength} bytes` });
  }
  if (schema.minLength !== undefined && length < schema.minLength) fault(`should be at least ${schema.minLength} chars long`);
  if (schema.pattern !== undefined && !matches(schema.pattern, value)) fault(`should match '${schema.pattern}'`);
  if (schema.format !== undefined && !hasFormat(value, schema.format)) fault(`must be of type ${schema.format}: ${JSON.stringify(value)}`);
  return errors;
}

function numberErrors(value: number, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const fault = (detail: string): void => void errors.push(invalidValue(path, value, `${path} in body ${detail}`));
  const { minimum, maximum, multipleOf } = schema;
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    fault(`should be greater than ${schema.exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`);
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    fault(`should be less than ${schema.exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) fault(`should be a multiple of ${multipleOf}`);
  const limit = schema.format === 'int32' ? 2 ** 31 : Number.MAX_SAFE_INTEGER;
  if (schema.format === 'int32' && (value >= limit || value < -limit)) fault('must be of type int32');
  return errors;
}

function arrayErrors(value: readonly unknown[], schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    errors.push({ rule: 'tooMany', field: path, value: value.length, detail: `must have at most ${schema.maxItems} items` });
  }
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    errors.push(invalidValue(path, value.length, `${path} in body should have at least ${schema.minItems} items`));
  }
  for (const [index, element] of value.entries()) {
    if (schema.items !== undefined) errors.push(...validate(element, schema.items, `${path}[${index}]`));
  }
  return [...errors, ...duplicates(value, schema, path)];
}

function duplicates(value: readonly unknown[], schema: Schema, path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map' && schema.uniqueItems !== true) return [];
  const errors: FieldError[] = [];
  const seen: unknown[] = [];
  for (const [index, element] of value.entries()) {
    const key = type === 'map' ? mapKey(element, schema) : element;
    if (seen.some((one) => same(one, key))) errors.push({ rule: 'duplicate', field: `${path}[${index}]`, value: key });
    else seen.push(key);
  }
  return errors;
}

/** The values of an element's keys in a list of `listType=map`, missing ones by their defaults. */
export function mapKey(element: unknown, schema: Schema): JsonObject {
  const fields = isRecord(element) ? element : {};
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const entries = keys.map((key): [string, unknown] => [key, fields[key] ?? schema.items?.properties?.[key]?.default]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function objectErrors(value: JsonObject, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const below = (field: string): string => (path === '' ? field : `${path}.${field}`);
  const count = Object.keys(value).length;
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    errors.push({ rule: 'tooMany', field: path, value: count, detail: `must have at most ${schema.maxProperties} items` });
  }
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    errors.push(invalidValue(path, count, `${path} in body should have at least ${schema.minProperties} properties`));
  }
  for (const field of schema.required ?? []) if (value[field] === undefined) errors.push(required(below(field)));
  for (const [field, inner] of Object.entries(value)) {
    const of = fieldSchema(schema, field);
    if (of !== null) errors.push(...validate(inner, of, isProperty(schema, field) ? below(field) : `${path}.${field}`));
  }
  return errors;
}

function isProperty(schema: Schema, field: string): boolean {
  return schema.properties !== undefined && Object.hasOwn(schema.properties, field);
}

function combinedErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  const fits = (one: Schema): boolean => validate(value, one, path).length === 0;
  // The server names no field here, and adds the faults of the first alternative.
  const firstOf = (schemas: readonly Schema[]): FieldError[] => (schemas[0] === undefined ? [] : validate(value, schemas[0], path));
  const errors: FieldError[] = (schema.allOf ?? []).flatMap((one) => validate(value, one, path));
  const fault = (detail: string): void => void errors.push(invalidValue('<nil>', '', `"${path}" must ${detail}`));
  if (schema.anyOf !== undefined && !schema.anyOf.some(fits)) {
    fault('validate at least one schema (anyOf)');
    errors.push(...firstOf(schema.anyOf));
  }
  if (schema.oneOf !== undefined) {
    const count = schema.oneOf.filter(fits).length;
    if (count !== 1) fault(`validate one and only one schema (oneOf). Found ${count === 0 ? 'none valid' : `${count} valid alternatives`}`);
    if (count === 0) errors.push(...firstOf(schema.oneOf));
  }
  if (schema.not !== undefined && fits(schema.not)) fault('not validate the schema (not)');
  return errors;
}
