import { at, isRecord, list, record, records, scalar, text, type JsonObject, type KubeObject } from '../json.ts';
import { fieldReader } from '../builtins/define.ts';
import { tableName, type Column, type ResourceType, type TypeVersion } from '../resourceType.ts';
import { rootSchema, type Schema } from '../schema/schema.ts';
import { AGE, NAME, age, column } from '../tables/columns.ts';

/** The kind that a CustomResourceDefinition describes. */
export function customType(definition: KubeObject): ResourceType {
  const spec = record(definition['spec']);
  const names = record(spec['names']);
  const [group, plural, kind] = [text(spec['group']), text(names['plural']), text(names['kind'])];
  const versions = records(spec['versions']);
  const storage = versions.find((version) => version['storage'] === true);
  const hasStatus = versions.some((version) => isRecord(at(version, 'subresources', 'status')));
  return {
    group, plural, kind, singular: text(names['singular']) || kind.toLowerCase(), listKind: text(names['listKind']) || `${kind}List`,
    shortNames: list(names['shortNames']).map(text), categories: list(names['categories']).map(text), namespaced: spec['scope'] === 'Namespaced',
    versions: versions.map(versionOf), storageVersion: text(storage?.['name']), table: tableName(group, plural), hasStatus, createsStatus: false,
    hasGeneration: true, custom: true, nameRule: 'subdomain', unconditionalUpdate: false, createOnUpdate: false, strategy: {},
    selectableFields: new Map(versions.flatMap((version) => records(version['selectableFields'])).map((one) => {
      const path = text(one['jsonPath']).replace(/^\./, '');
      return [path, fieldReader(path)];
    })),
  };
}

function versionOf(version: JsonObject): TypeVersion {
  const schema = at(version, 'schema', 'openAPIV3Schema') as Schema | undefined;
  const columns = records(version['additionalPrinterColumns']);
  return {
    name: text(version['name']), served: version['served'] === true, schema: rootSchema(schema ?? {}),
    columns: columns.length === 0 ? [NAME, AGE] : [NAME, ...columns.map(columnOf)],
  };
}

function columnOf(of: JsonObject): Column {
  const read = jsonPath(text(of['jsonPath']));
  const type = text(of['type']);
  const more = { type, description: text(of['description']), format: text(of['format']), priority: Number(of['priority'] ?? 0) };
  return column(text(of['name']), (object, nowMs) => cell(read(object), type, nowMs), more);
}

function cell(values: readonly unknown[], type: string, nowMs: number): unknown {
  const [first] = values;
  if (first === undefined || first === null) return null;
  if (type === 'date') return age(first, nowMs);
  if (type === 'integer' || type === 'number' || type === 'boolean') return typeof first === 'object' ? null : first;
  if (values.length > 1 || typeof first === 'object') return values.length > 1 ? values.map(String).join(' ') : goText(first);
  return scalar(first as string | number | boolean);
}

function goText(value: unknown): string {
  return JSON.stringify(value);
}

/** Reads a JSONPath of a printer column: `.a.b`, `.a['b.c']`, `.a[0]`, `.a[*].b`, `.a[?(@.type=="Ready")].status`. */
export function jsonPath(path: string): (value: unknown) => unknown[] {
  const steps = path.match(/\.[^.[\]]+(?:\\\.[^.[\]]+)*|\['[^']*'\]|\[\?\(@[^)]*\)\]|\[\*\]|\[-?\d+\]/g) ?? [];
  return (value) => steps.reduce<unknown[]>((values, one) => values.flatMap((inner) => step(inner, one)), [value]);
}

function step(value: unknown, one: string): unknown[] {
  const filter = /^\[\?\(@\.([\w.]+)\s*==\s*['"]([^'"]*)['"]\)\]$/.exec(one);
  if (filter !== null) return records(value).filter((element) => scalar(at(element, ...(filter[1] ?? '').split('.'))) === filter[2]);
  if (one === '[*]') return list(value);
  const index = /^\[(-?\d+)\]$/.exec(one);
  if (index !== null) return list(value).slice(Number(index[1])).slice(0, 1);
  const name = one.startsWith("['") ? one.slice(2, -2) : one.slice(1).replaceAll('\\.', '.');
  const inner = at(value, name);
  return inner === undefined ? [] : [inner];
}
