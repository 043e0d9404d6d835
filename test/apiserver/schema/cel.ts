import type { FieldError } from '../fieldError.ts';
import { isRecord, list, same, text } from '../json.ts';
import { CEL_ENVIRONMENT } from './celEnvironment.ts';
import { fieldSchema } from './prune.ts';
import type { CelRule, Schema } from './schema.ts';
import { mapKey } from './validate.ts';

type CelProgram = ReturnType<typeof CEL_ENVIRONMENT.parse>;

const programs = new Map<string, CelProgram>();

function compile(rule: string): CelProgram {
  const known = programs.get(rule);
  if (known !== undefined) return known;
  const program = CEL_ENVIRONMENT.parse(rule);
  programs.set(rule, program);
  return program;
}

/** Why a rule does not compile against the schema it stands at; null: it does. */
export function celCompileError(rule: string, schema: Schema): string | null {
  try {
    return unknownField(compile(rule).ast, schema);
  } catch (error) {
    return `ERROR: <input>:1:1: Syntax error or undeclared reference: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`;
  }
}

/** The first `self.a.b` that the schema does not have. */
function unknownField(ast: unknown, schema: Schema): string | null {
  if (Array.isArray(ast)) {
    for (const one of ast) {
      const fault = unknownField(one, schema);
      if (fault !== null) return fault;
    }
    return null;
  }
  if (!isRecord(ast)) return null;
  if (ast['op'] === '.') {
    const found = schemaAt(ast, schema);
    if (typeof found === 'string') return found;
  }
  return unknownField(ast['args'], schema);
}

function schemaAt(ast: unknown, schema: Schema): Schema | string | null {
  if (!isRecord(ast)) return null;
  const args = ast['args'];
  if (ast['op'] === 'id') return args === 'self' || args === 'oldSelf' ? schema : null;
  if (ast['op'] !== '.' || !Array.isArray(args)) return null;
  const parent = schemaAt(args[0], schema);
  if (parent === null || typeof parent === 'string') return parent;
  if (parent.properties === undefined || parent.additionalProperties !== undefined) return null;
  const name = text(args[1]);
  const field = Object.keys(parent.properties).find((one) => escaped(one) === name);
  if (field !== undefined) return parent.properties[field] ?? null;
  return ['apiVersion', 'kind', 'metadata'].includes(name) ? null : `ERROR: <input>:1:1: undefined field '${name}'`;
}

const RESERVED = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop',
  'package', 'namespace', 'return', 'var', 'void', 'while']);

/** A property's name as CEL sees it (Kubernetes' escaping). */
function escaped(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  return name.replaceAll('__', '__underscores__').replaceAll('.', '__dot__').replaceAll('-', '__dash__').replaceAll('/', '__slash__');
}

/** A value as CEL sees it: integers as int, properties by their escaped names. */
function toCel(value: unknown, schema: Schema): unknown {
  if (typeof value === 'number') return schema.type === 'number' || !Number.isInteger(value) ? value : BigInt(value);
  if (Array.isArray(value)) return value.map((element) => toCel(element, schema.items ?? {}));
  if (!isRecord(value)) return value;
  const hasProperties = schema.properties !== undefined;
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [hasProperties ? escaped(field) : field, toCel(inner, fieldSchema(schema, field) ?? {})]));
}

/** Faults of a value by the CEL rules of its schema and below; `old` null: there is none (create, or no counterpart). */
export function celErrors(value: unknown, old: unknown, schema: Schema, path = ''): FieldError[] {
  if (value === null || value === undefined) return [];
  const errors = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => ruleErrors(rule, { value, old, schema, path }));
  if (isRecord(value)) {
    for (const [field, inner] of Object.entries(value)) {
      const of = fieldSchema(schema, field);
      const before = isRecord(old) ? (old[field] ?? null) : null;
      const isProperty = schema.properties !== undefined && Object.hasOwn(schema.properties, field);
      if (of !== null) errors.push(...celErrors(inner, before, of, path === '' ? field : isProperty ? `${path}.${field}` : `${path}[${field}]`));
    }
  } else if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, element] of value.entries()) errors.push(...celErrors(element, counterpart(element, old, schema), schema.items, `${path}[${index}]`));
  }
  return errors;
}

function counterpart(element: unknown, old: unknown, schema: Schema): unknown {
  if (schema['x-kubernetes-list-type'] !== 'map') return null;
  return list(old).find((one) => same(mapKey(one, schema), mapKey(element, schema))) ?? null;
}

interface Place {
  readonly value: unknown;
  readonly old: unknown;
  readonly schema: Schema;
  readonly path: string;
}

function ruleErrors(rule: CelRule, { value, old, schema, path }: Place): FieldError[] {
  const usesOld = /\boldSelf\b/.test(rule.rule);
  if (usesOld && (old === null || old === undefined)) return [];
  const context = { self: toCel(value, schema), ...(usesOld ? { oldSelf: toCel(old, schema) } : {}) };
  const at = rule.fieldPath === undefined ? path : `${path}${rule.fieldPath}`;
  try {
    if (compile(rule.rule)(context) === true) return [];
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return [fault(rule, at, schema, `${why.replace('No such key', 'no such key')} evaluating rule: ${rule.message ?? rule.rule}`)];
  }
  return [fault(rule, at, schema, messageOf(rule, context))];
}

function messageOf(rule: CelRule, context: Readonly<Record<string, unknown>>): string {
  if (rule.messageExpression !== undefined) {
    try {
      const message = compile(rule.messageExpression)(context);
      if (typeof message === 'string' && message.trim() !== '') return message;
    } catch {
      // As on the real server: a message that cannot be made is replaced by the plain one.
    }
  }
  return rule.message ?? `failed rule: ${rule.rule}`;
}

function fault(rule: CelRule, field: string, schema: Schema, detail: string): FieldError {
  const value = schema.type ?? '';
  if (rule.reason === 'FieldValueRequired') return { rule: 'required', field, detail };
  if (rule.reason === 'FieldValueForbidden') return { rule: 'forbidden', field, detail };
  if (rule.reason === 'FieldValueDuplicate') return { rule: 'duplicate', field, value, detail };
  return { rule: 'invalid', field: field === '' ? '<nil>' : field, value, detail };
}
