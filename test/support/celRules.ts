import { isIP } from 'node:net';
import { CelScalar, celEnv, celFunc, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import type { CelRule, Schema } from '../apiserver/schema/schema.ts';

/** One rule that a value breaks. */
export interface CelFault {
  /** Of the value the rule stands on, `spec.reserved[0]`; with the rule's own `fieldPath`. */
  readonly field: string;
  readonly rule: CelRule;
  /** `message`, the value of `messageExpression`, or why the rule could not be evaluated. */
  readonly message: string;
}

const ENVIRONMENT = celEnv({
  funcs: [
    ...strings,
    // Kubernetes' library (apiserver/pkg/cel/library/ip.go): neither zones nor IPv4 in the form of IPv6.
    celFunc('isIP', [CelScalar.STRING], CelScalar.BOOL, isAddress),
    celFunc('isCIDR', [CelScalar.STRING], CelScalar.BOOL, isCidr),
  ],
});

function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%') && !/^::ffff:(?:\d+\.|[0-9a-f]{1,4}:[0-9a-f]{1,4}$)/i.test(text);
}

function isCidr(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  return more.length === 0 && isAddress(address) && /^(?:0|[1-9]\d{0,2})$/.test(length) && Number(length) <= bits;
}

const plans = new Map<string, ReturnType<typeof plan>>();

/** Throws for a text that is no CEL. */
function planOf(text: string): ReturnType<typeof plan> {
  const known = plans.get(text);
  if (known !== undefined) return known;
  const made = plan(ENVIRONMENT, parse(text));
  plans.set(text, made);
  return made;
}

/**
 * All rules of a schema (x-kubernetes-validations) that a value breaks. Rules that name `oldSelf` count on an update only, which
 * `old` stands for; a list has no old elements here.
 */
export function celFaults(value: unknown, schema: Schema, place: { readonly path?: string; readonly old?: unknown } = {}): CelFault[] {
  const { path = '', old } = place;
  const faults = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => ruleFaults(rule, { value, old, schema, path }));
  if (Array.isArray(value) && schema.items !== undefined) {
    const { items } = schema;
    faults.push(...value.flatMap((element, index) => celFaults(element, items, { path: `${path}[${index}]` })));
  }
  if (!isObject(value)) return faults;
  for (const [key, inner] of Object.entries(value)) {
    const of = propertyOf(schema, key);
    const before = isObject(old) ? old[key] : undefined;
    if (of !== null) faults.push(...celFaults(inner, of, { path: path === '' ? key : `${path}.${key}`, old: before }));
  }
  return faults;
}

interface Subject {
  readonly value: unknown;
  readonly old: unknown;
  readonly schema: Schema;
  readonly path: string;
}

function ruleFaults(rule: CelRule, { value, old, schema, path }: Subject): CelFault[] {
  const transition = /\boldSelf\b/.test(rule.rule);
  if (transition && old === undefined) return [];
  const field = `${path}${rule.fieldPath ?? ''}`;
  const bindings = { self: celValue(value, schema), ...(transition ? { oldSelf: celValue(old, schema) } : {}) };
  const result = planOf(rule.rule)(bindings);
  if (result === true) return [];
  if (isCelError(result)) return [{ field, rule, message: String(result) }];
  const expressed = rule.messageExpression === undefined ? undefined : planOf(rule.messageExpression)(bindings);
  return [{ field, rule, message: typeof expressed === 'string' ? expressed : (rule.message ?? `failed rule: ${rule.rule}`) }];
}

/** JSON as CEL sees it: whole numbers by the type of the schema, objects as maps. */
function celValue(value: unknown, schema: Schema): CelInput {
  if (typeof value === 'number') return schema.type === 'integer' ? BigInt(Math.trunc(value)) : value;
  if (Array.isArray(value)) return value.map((element) => celValue(element, schema.items ?? {}));
  if (!isObject(value)) return value as string | boolean | null;
  return new Map(Object.entries(value).map(([key, inner]) => [key, celValue(inner, propertyOf(schema, key) ?? {})]));
}

function propertyOf(schema: Schema, key: string): Schema | null {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key] ?? null;
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
