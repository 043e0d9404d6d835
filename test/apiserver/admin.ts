import { noSuchResource } from './apiError.ts';
import type { KubeObject } from './json.ts';
import { present } from './resourceType.ts';
import { ADMIN } from './access/accounts.ts';
import { create } from './verbs/create.ts';
import type { Engine, Target, WriteOptions } from './verbs/engine.ts';
import { listObjects, NO_OPTIONS } from './verbs/listObjects.ts';
import { patch, PATCH_TYPES } from './verbs/patch.ts';
import { remove } from './verbs/remove.ts';
import { update } from './verbs/update.ts';
import { read } from './http/resourceRequest.ts';

/** An object as a test writes it: `metadata` with at least a name. */
export interface PlainObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** Which object; `namespace` of a namespaced one. */
export interface ObjectPlace {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** What an administrator does; refusals are ApiErrors or KubeErrors with `code` and `message`. */
export interface AdminClient {
  create(object: PlainObject): Promise<KubeObject>;
  /** PUT; `subresource` status: only the status. */
  update(object: PlainObject, subresource?: 'status'): Promise<KubeObject>;
  /** JSON merge patch. */
  patch(place: ObjectPlace, change: object, subresource?: 'status'): Promise<KubeObject>;
  delete(place: ObjectPlace): Promise<void>;
  /** null: it is not there. */
  get(place: ObjectPlace): Promise<KubeObject | null>;
  /** All namespaces where none is given. */
  list(of: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string }): Promise<readonly KubeObject[]>;
}

const OPTIONS: WriteOptions = { caller: ADMIN, fieldManager: 'test', dryRun: false, fieldValidation: 'Strict', force: false, warn: () => {} };

/** Acts on the server without HTTP, by the same code. */
export function adminOf(engine: Engine): AdminClient {
  const target = (place: { apiVersion: string; kind: string; namespace?: string | undefined; name?: string | undefined }, subresource = ''): Target => {
    const [group = '', version = ''] = place.apiVersion.includes('/') ? place.apiVersion.split('/', 2) : ['', place.apiVersion];
    const type = engine.registry.byKind(group, place.kind);
    if (type === undefined || !type.versions.some(({ name }) => name === version)) throw noSuchResource();
    return { type, version, namespace: type.namespaced ? (place.namespace ?? 'default') : '', name: place.name ?? '', subresource };
  };
  const shown = (of: Target, object: KubeObject): KubeObject => present(of.type, of.version, object);
  return {
    async create(object) {
      const of = target({ ...object, ...object.metadata, apiVersion: object.apiVersion, kind: object.kind });
      return shown(of, await create(engine, { ...of, name: '' }, object, OPTIONS));
    },
    async update(object, subresource) {
      const of = target({ ...object.metadata, apiVersion: object.apiVersion, kind: object.kind }, subresource);
      return shown(of, (await update(engine, of, object, OPTIONS)).object);
    },
    async patch(place, change, subresource) {
      const of = target(place, subresource);
      return shown(of, (await patch(engine, of, { mediaType: PATCH_TYPES.merge, body: change }, OPTIONS)).object);
    },
    async delete(place) {
      await remove(engine, target(place), undefined, OPTIONS);
    },
    async get(place) {
      const of = target(place);
      const found = engine.storage.get(of.type.table, of.type.namespaced ? `${of.namespace}/${of.name}` : of.name);
      return found === undefined ? null : shown(of, read(engine, of));
    },
    async list(place) {
      const of = target(place);
      return listObjects(engine, { ...of, namespace: of.type.namespaced ? (place.namespace ?? '') : '' }, NO_OPTIONS).items;
    },
  };
}
