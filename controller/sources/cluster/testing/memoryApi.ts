import { KubeError, type KubeApi, type KubeRequest, type WatchEvent } from '../../../cluster/kubeApi.ts';

/** A raw object as an API server keeps it. */
export interface RawObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion?: string } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly path: string;
  readonly object: RawObject;
}

/**
 * An API server in memory, behind KubeApi itself: lists in pages, watches from a version or from now, 410 for what was
 * compacted, and whatever failure a test asks for. No sockets, no timers.
 */
export class MemoryApi implements KubeApi {
  readonly requests: string[] = [];
  /** Asked before each answer; an error is thrown instead of it, a promise is waited for. */
  refuse: (request: KubeRequest, kind: 'request' | 'watch') => Promise<unknown> | KubeError | null = () => null;
  /** `path of the object` → object. */
  readonly #objects = new Map<string, RawObject>();
  readonly #watches = new Set<MemoryWatch>();
  #changes: Change[] = [];
  #version = 100;
  #compactedTo = 100;

  get version(): number {
    return this.#version;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Creates or replaces an object of a collection (`/api/v1/services`, without a namespace). */
  put(collection: string, object: RawObject): void {
    const path = objectPath(collection, object);
    const type = this.#objects.has(path) ? 'MODIFIED' : 'ADDED';
    this.#version += 1;
    const kept = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#objects.set(path, kept);
    this.#tell({ version: this.#version, type, path, object: kept });
  }

  delete(collection: string, object: RawObject): void {
    const path = objectPath(collection, object);
    const old = this.#objects.get(path);
    if (old === undefined) return;
    this.#version += 1;
    this.#objects.delete(path);
    const gone = { ...old, metadata: { ...old.metadata, resourceVersion: String(this.#version) } };
    this.#tell({ version: this.#version, type: 'DELETED', path, object: gone });
  }

  /** Forgets how things came to be as they are. */
  compact(): void {
    this.#changes = [];
    this.#compactedTo = this.#version;
  }

  /** Ends all watches, cleanly or (an error) broken. */
  cutWatches(error: KubeError | null = null): void {
    for (const watch of this.#watches) watch.end(error);
  }

  bookmark(): void {
    for (const watch of this.#watches) watch.push({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(this.#version) } } });
  }

  /** Sends any event to all watches. */
  send(event: WatchEvent): void {
    for (const watch of this.#watches) watch.push(event);
  }

  async request(request: KubeRequest): Promise<unknown> {
    this.requests.push(printRequest(request));
    await this.#refuse(request, 'request');
    const object = this.#objects.get(request.path);
    if (object !== undefined) return structuredClone(object);
    if (isObjectPath(request.path)) throw new KubeError('notFound', `GET ${request.path}: 404`, { status: 404 });
    return this.#list(request);
  }

  async *watch(request: KubeRequest): AsyncGenerator<WatchEvent> {
    this.requests.push(`WATCH ${printRequest(request)}`);
    await this.#refuse(request, 'watch');
    const watch = this.#open(request);
    request.onOpen?.();
    const onAbort = (): void => watch.end(request.signal?.reason);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      yield* watch;
    } finally {
      this.#watches.delete(watch);
      request.signal?.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    this.cutWatches(new KubeError('unreachable', 'closed'));
  }

  async #refuse(request: KubeRequest, kind: 'request' | 'watch'): Promise<void> {
    request.signal?.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    request.signal?.addEventListener('abort', () => reject(request.signal?.reason as Error), { once: true });
    const refusal = await Promise.race([this.refuse(request, kind), aborted]);
    request.signal?.throwIfAborted();
    if (refusal instanceof KubeError) throw refusal;
  }

  #list({ path, query }: KubeRequest): unknown {
    const [snapshot = '', offset = '0'] = (query?.['continue'] ?? '').split(':');
    if (snapshot !== '' && Number(snapshot) < this.#compactedTo) throw new KubeError('gone', `LIST ${path}: 410`, { status: 410 });
    const all = [...this.#objects].filter(([key]) => isIn(key, path)).sort(([one], [other]) => (one < other ? -1 : 1));
    const from = Number(offset);
    const to = from + Number(query?.['limit'] ?? all.length);
    const version = snapshot === '' ? String(this.#version) : snapshot;
    const items = all.slice(from, to).map(([, object]) => structuredClone(object));
    return { metadata: { resourceVersion: version, ...(to < all.length ? { continue: `${version}:${to}` } : {}) }, items };
  }

  #open({ path, query }: KubeRequest): MemoryWatch {
    const name = query?.['fieldSelector']?.replace('metadata.name=', '') ?? null;
    const from = query?.['resourceVersion'] ?? '';
    if (from !== '' && Number(from) < this.#compactedTo) throw new KubeError('gone', `WATCH ${path}: 410`, { status: 410 });
    const watch = new MemoryWatch((key) => isIn(key, path) && (name === null || key.endsWith(`/${name}`)));
    if (from === '') {
      for (const [key, object] of this.#objects) watch.offer({ version: 0, type: 'ADDED', path: key, object });
    }
    for (const change of this.#changes) if (from !== '' && change.version > Number(from)) watch.offer(change);
    this.#watches.add(watch);
    return watch;
  }

  #tell(change: Change): void {
    this.#changes.push(change);
    for (const watch of this.#watches) watch.offer(change);
  }
}

class MemoryWatch implements AsyncIterable<WatchEvent> {
  readonly #selects: (path: string) => boolean;
  readonly #events: WatchEvent[] = [];
  #ended: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(selects: (path: string) => boolean) {
    this.#selects = selects;
  }

  offer({ type, path, object }: Change): void {
    if (this.#selects(path)) this.push({ type, object: structuredClone(object) });
  }

  push(event: WatchEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  end(error: unknown): void {
    this.#ended ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else if (this.#ended !== null) break;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#ended.error !== null) throw this.#ended.error;
  }
}

function objectPath(collection: string, { metadata: { name, namespace } }: RawObject): string {
  if (namespace === undefined) return `${collection}/${name}`;
  const at = collection.lastIndexOf('/');
  return `${collection.slice(0, at)}/namespaces/${namespace}${collection.slice(at)}/${name}`;
}

/** True when the object is in the collection, which may be that of all namespaces. */
function isIn(object: string, collection: string): boolean {
  const parent = object.slice(0, object.lastIndexOf('/'));
  return parent === collection || parent.replace(/\/namespaces\/[^/]+\//, '/') === collection;
}

function isObjectPath(path: string): boolean {
  return /\/namespaces\/[^/]+\/[^/]+\/[^/]+$/.test(path);
}

function printRequest({ method, path, query }: KubeRequest): string {
  return `${method} ${path}${query === undefined ? '' : `?${new URLSearchParams(query).toString()}`}`;
}
