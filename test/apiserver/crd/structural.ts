import { forbiddenField, invalidValue, required, type FieldError } from '../fieldError.ts';
import { isRecord, list, record, text, type JsonObject } from '../json.ts';
import { celCompileError } from '../schema/cel.ts';
import { validate } from '../schema/validate.ts';
import type { Schema } from '../schema/schema.ts';

const TYPES = new Set(['array', 'boolean', 'integer', 'number', 'object', 'string']);
const VALUE_ONLY = ['type', 'default', 'additionalProperties', 'description', 'nullable', 'x-kubernetes-preserve-unknown-fields'];

/** Why a schema is not structural, or says what the server does not take (apiextensions validation). */
export function structuralErrors(schema: JsonObject, path: string): FieldError[] {
  const errors = nodeErrors(schema, path, true);
  if (schema['type'] !== undefined && schema['type'] !== 'object') errors.push(invalidValue(`${path}.type`, schema['type'], 'must be object at the root'));
  return errors;
}

function nodeErrors(schema: JsonObject, path: string, isRoot: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const type = text(schema['type']);
  const isLoose = schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (type === '' && !isLoose) errors.push(required(`${path}.type`, isRoot ? 'must not be empty at the root' : 'must not be empty for specified object fields'));
  else if (type !== '' && !TYPES.has(type)) errors.push({ rule: 'notSupported', field: `${path}.type`, value: type, detail: 'supported values: "array", "boolean", "integer", "number", "object", "string"' });
  if (schema['$ref'] !== undefined) errors.push(forbiddenField(`${path}.$ref`, '$ref is not supported'));
  if (schema['uniqueItems'] === true) errors.push(forbiddenField(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  if (isRecord(schema['properties']) && schema['additionalProperties'] !== undefined) errors.push(forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (type === 'array' && !isRecord(schema['items'])) errors.push(required(`${path}.items`, 'must be specified'));
  errors.push(...listTypeErrors(schema, path), ...valueErrors(schema, path), ...childErrors(schema, path), ...ruleErrors(schema, path));
  return errors;
}

function listTypeErrors(schema: JsonObject, path: string): FieldError[] {
  if (schema['x-kubernetes-list-type'] !== 'map') return [];
  const keys = list(schema['x-kubernetes-list-map-keys']).map(text);
  if (keys.length === 0) return [required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')];
  const items = record(schema['items']);
  return keys.flatMap((key) => {
    const of = record(items['properties'])[key];
    if (!isRecord(of)) return [invalidValue(`${path}.x-kubernetes-list-map-keys`, keys, `entries must all be names of item properties (${key})`)];
    const isGiven = list(items['required']).includes(key) || of['default'] !== undefined;
    return isGiven ? [] : [required(`${path}.items.properties[${key}].default`, `this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`)];
  });
}

function valueErrors(schema: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema['default'] !== undefined) {
    for (const error of validate(schema['default'], schema as Schema, `${path}.default`)) errors.push(error);
  }
  for (const junctor of ['allOf', 'anyOf', 'oneOf']) {
    for (const [index, one] of list(schema[junctor]).map(record).entries()) {
      // Type may be said again where the value is an int or a string.
      const allowsType = schema['x-kubernetes-int-or-string'] === true;
      for (const field of VALUE_ONLY) {
        if (one[field] !== undefined && !(field === 'type' && allowsType)) errors.push(forbiddenField(`${path}.${junctor}[${index}].${field}`, 'must be empty to be structural'));
      }
    }
  }
  return errors;
}

function childErrors(schema: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, inner] of Object.entries(record(schema['properties']))) {
    const isMeta = field === 'metadata' || field === 'apiVersion' || field === 'kind';
    if (!isMeta || !path.endsWith('openAPIV3Schema')) errors.push(...nodeErrors(record(inner), `${path}.properties[${field}]`, false));
  }
  if (isRecord(schema['items'])) errors.push(...nodeErrors(schema['items'], `${path}.items`, false));
  if (isRecord(schema['additionalProperties'])) errors.push(...nodeErrors(schema['additionalProperties'], `${path}.additionalProperties`, false));
  return errors;
}

function ruleErrors(schema: JsonObject, path: string): FieldError[] {
  return list(schema['x-kubernetes-validations']).map(record).flatMap((rule, index) => {
    const at = `${path}.x-kubernetes-validations[${index}].rule`;
    if (text(rule['rule']).trim() === '') return [required(at, 'rule is not specified')];
    const fault = celCompileError(text(rule['rule']), schema as Schema);
    return fault === null ? [] : [invalidValue(at, rule['rule'], `compilation failed: ${fault}`)];
  });
}
