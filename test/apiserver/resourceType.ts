import type { FieldError } from './fieldError.ts';
import type { KubeObject } from './json.ts';
import type { Schema } from './schema/schema.ts';
import type { Storage } from './storage/storage.ts';

/** A column of a Table answer. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** 0: always shown; above: only with `-o wide`. */
  readonly priority?: number;
  readonly cell: (object: KubeObject, nowMs: number) => unknown;
}

/** One version of a kind. */
export interface TypeVersion {
  readonly name: string;
  readonly served: boolean;
  /** Of whole objects; null: nothing is known, everything is kept. */
  readonly schema: Schema | null;
  readonly columns: readonly Column[];
  /** From and to the stored form; absent: only `apiVersion` differs. */
  readonly fromStored?: (stored: KubeObject) => KubeObject;
  readonly toStored?: (object: KubeObject) => KubeObject;
}

/** What a kind's own rules may look at. */
export interface StrategyContext {
  readonly storage: Storage;
  readonly nowMs: number;
  readonly subresource: string;
}

/** The rules of one kind. `object` may be changed in place, `old` may not. */
export interface Strategy {
  /** Defaults that a schema cannot say. */
  readonly setDefaults?: (object: KubeObject) => void;
  /** Before validation; `old` null: create. */
  readonly prepare?: (object: KubeObject, old: KubeObject | null, context: StrategyContext) => void;
  readonly validate?: (object: KubeObject, old: KubeObject | null, context: StrategyContext) => FieldError[];
  /** Right before storing: gives what is given once (cluster IPs, node ports). May throw ApiError. */
  readonly allocate?: (object: KubeObject, old: KubeObject | null, context: StrategyContext) => FieldError[];
}

/** A kind as the server serves it. */
export interface ResourceType {
  readonly group: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly versions: readonly TypeVersion[];
  readonly storageVersion: string;
  /** Table of the storage; two types with the same one are two views of the same objects. */
  readonly table: string;
  /** `status` is a subresource of its own. */
  readonly hasStatus: boolean;
  /** Create keeps the status it is given, as Nodes do. */
  readonly createsStatus: boolean;
  /** `metadata.generation` counts changes. */
  readonly hasGeneration: boolean;
  /** Made by a CustomResourceDefinition: no strategic merge patch, 422 for wrong types. */
  readonly custom: boolean;
  readonly nameRule: 'subdomain' | 'label' | 'serviceName' | 'pathSegment';
  /** PUT without resourceVersion is allowed. */
  readonly unconditionalUpdate: boolean;
  /** PUT of an object that is not there creates it. */
  readonly createOnUpdate: boolean;
  readonly strategy: Strategy;
  readonly selectableFields: ReadonlyMap<string, (object: KubeObject) => string>;
}

/** `group/plural`, by which everything about a type is keyed. */
export function tableName(group: string, plural: string): string {
  return `${group}/${plural}`;
}

/** `apiVersion` of a type's objects in one of its versions. */
export function apiVersionOf(type: ResourceType, version: string): string {
  return type.group === '' ? version : `${type.group}/${version}`;
}

/** The version of that name; throws where there is none. */
export function versionOf(type: ResourceType, name: string): TypeVersion {
  const version = type.versions.find((one) => one.name === name);
  if (version === undefined) throw new Error(`${type.plural}.${type.group} has no version ${name}`);
  return version;
}

/** Key of an object in its table. */
export function keyOf(type: ResourceType, namespace: string, name: string): string {
  return type.namespaced ? `${namespace}/${name}` : name;
}

const converted = new WeakMap<KubeObject, Map<string, KubeObject>>();

/** A stored object as `version` shows it. The result is shared: never change it. */
export function present(type: ResourceType, version: string, stored: KubeObject): KubeObject {
  const apiVersion = apiVersionOf(type, version);
  const of = versionOf(type, version);
  if (of.fromStored === undefined && stored.apiVersion === apiVersion) return stored;
  let byVersion = converted.get(stored);
  if (byVersion === undefined) {
    byVersion = new Map();
    converted.set(stored, byVersion);
  }
  const known = byVersion.get(apiVersion);
  if (known !== undefined) return known;
  const shown = of.fromStored === undefined ? { ...stored, apiVersion } : of.fromStored(stored);
  byVersion.set(apiVersion, shown);
  return shown;
}
