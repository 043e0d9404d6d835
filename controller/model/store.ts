import type { Kind, KubeObject } from './objects.ts';
import type { SourceBatch } from '../sources/source.ts';

type ObjectOf<K extends Kind> = Extract<KubeObject, { readonly kind: K }>;

/** Read side of the store: what translation sees. */
export interface ObjectIndex {
  get<K extends Kind>(kind: K, namespace: string, name: string): ObjectOf<K> | undefined;
  /** In insertion order; callers that need an order sort. */
  list<K extends Kind>(kind: K): Iterable<ObjectOf<K>>;
  /** EndpointSlices of one Service, by label. */
  slicesOf(namespace: string, service: string): readonly ObjectOf<'EndpointSlice'>[];
}

/** Current objects of all sources, by kind, namespace and name. Objects are immutable; a change is a new object. */
export class ObjectStore implements ObjectIndex {
  /** kind → (`namespace/name` → object). */
  readonly #byKind = new Map<Kind, Map<string, KubeObject>>();
  /** `namespace/service` → (slice name → slice). */
  readonly #slices = new Map<string, Map<string, ObjectOf<'EndpointSlice'>>>();

  apply(batch: Pick<SourceBatch, 'upserts' | 'deletes' | 'refreshed'>): void {
    for (const ref of batch.deletes) this.#delete(ref.kind as Kind, `${ref.namespace}/${ref.name}`);
    for (const object of batch.upserts) this.#set(object);
    for (const object of batch.refreshed ?? []) this.#set(object);
  }

  get<K extends Kind>(kind: K, namespace: string, name: string): ObjectOf<K> | undefined {
    return this.#byKind.get(kind)?.get(`${namespace}/${name}`) as ObjectOf<K> | undefined;
  }

  list<K extends Kind>(kind: K): Iterable<ObjectOf<K>> {
    return (this.#byKind.get(kind)?.values() ?? []) as Iterable<ObjectOf<K>>;
  }

  slicesOf(namespace: string, service: string): readonly ObjectOf<'EndpointSlice'>[] {
    return [...(this.#slices.get(`${namespace}/${service}`)?.values() ?? [])];
  }

  #set(object: KubeObject): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    this.#delete(object.kind, key);
    let objects = this.#byKind.get(object.kind);
    if (objects === undefined) this.#byKind.set(object.kind, (objects = new Map()));
    objects.set(key, object);
    if (object.kind !== 'EndpointSlice' || object.service === '') return;
    const service = `${object.metadata.namespace}/${object.service}`;
    let slices = this.#slices.get(service);
    if (slices === undefined) this.#slices.set(service, (slices = new Map()));
    slices.set(object.metadata.name, object);
  }

  #delete(kind: Kind, key: string): void {
    const objects = this.#byKind.get(kind);
    const old = objects?.get(key);
    if (objects === undefined || old === undefined) return;
    objects.delete(key);
    if (old.kind !== 'EndpointSlice') return;
    const service = `${old.metadata.namespace}/${old.service}`;
    const slices = this.#slices.get(service);
    slices?.delete(old.metadata.name);
    if (slices?.size === 0) this.#slices.delete(service);
  }
}
