import type { KubeObject } from '../json.ts';
import { scalar, text, at } from '../json.ts';
import { tableName, type Column, type ResourceType, type Strategy, type TypeVersion } from '../resourceType.ts';
import { rootSchema, type Schema } from '../schema/schema.ts';
import { AGE, NAME } from '../tables/columns.ts';

/** What is said of a built-in kind; the rest follows. */
export interface Definition {
  readonly group?: string;
  readonly kind: string;
  readonly plural: string;
  readonly version?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced?: boolean;
  readonly schema?: Schema;
  readonly columns?: readonly Column[];
  readonly versions?: readonly TypeVersion[];
  readonly storageVersion?: string;
  readonly table?: string;
  readonly hasStatus?: boolean;
  readonly createsStatus?: boolean;
  readonly hasGeneration?: boolean;
  readonly nameRule?: ResourceType['nameRule'];
  readonly unconditionalUpdate?: boolean;
  readonly createOnUpdate?: boolean;
  readonly strategy?: Strategy;
  /** Paths of fields a fieldSelector may name. */
  readonly selectable?: readonly string[];
}

/** Anything below is kept: kinds whose fields only their own controllers read. */
const ANYTHING: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** A built-in kind. */
export function define(definition: Definition): ResourceType {
  const { group = '', kind, plural, version = 'v1', namespaced = true } = definition;
  const columns = definition.columns ?? [NAME, AGE];
  const schema = rootSchema(definition.schema ?? ANYTHING);
  return {
    group, plural, kind, namespaced, singular: kind.toLowerCase(), listKind: `${kind}List`,
    shortNames: definition.shortNames ?? [], categories: definition.categories ?? [],
    versions: definition.versions ?? [{ name: version, served: true, schema, columns }],
    storageVersion: definition.storageVersion ?? version,
    table: definition.table ?? tableName(group, plural),
    hasStatus: definition.hasStatus ?? false, createsStatus: definition.createsStatus ?? false,
    hasGeneration: definition.hasGeneration ?? false, custom: false, nameRule: definition.nameRule ?? 'subdomain',
    unconditionalUpdate: definition.unconditionalUpdate ?? true, createOnUpdate: definition.createOnUpdate ?? false,
    strategy: definition.strategy ?? {},
    selectableFields: new Map((definition.selectable ?? []).map((path) => [path, fieldReader(path)])),
  };
}

/** Reads a field for a fieldSelector: strings as they are, other scalars as Go prints them, what is absent as the zero value. */
export function fieldReader(path: string): (object: KubeObject) => string {
  const parts = path.split('.');
  return (object) => {
    const value = at(object, ...parts);
    if (typeof value === 'boolean' || typeof value === 'number') return scalar(value);
    return text(value);
  };
}
