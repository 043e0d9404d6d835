import { KubeError, type KubeApi, type KubeRequest } from '../../cluster/kubeApi.ts';

/** JSON of an object as the API server has it. */
export interface RawObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: RawMetadata;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

interface RawMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly [field: string]: unknown;
}

/** For tests: an API server in memory, as far as writers speak to one; and what goes wrong with it. */
export class SimulatedApi implements KubeApi {
  /** path → object. */
  readonly objects = new Map<string, RawObject>();
  /** Requests as they came: `PATCH /api/v1/…`. */
  readonly log: string[] = [];
  readonly requests: KubeRequest[] = [];
  /** Before 1.29: the field is not known. */
  dropsIpMode = false;
  /** What the next requests fail with, if the function gives something. */
  fault: (request: KubeRequest) => KubeError | null = () => null;
  /** Requests wait for it before they are done. */
  gate: Promise<void> = Promise.resolve();
  #version = 100;

  /** Puts an object there as somebody else would; its resourceVersion is new, and its uid unless there is one. */
  put(path: string, object: Omit<RawObject, 'metadata'> & { readonly metadata: Readonly<Record<string, unknown>> }): RawObject {
    this.#version += 1;
    const uid = object.metadata['uid'] ?? `uid-${this.#version}`;
    const stored = structuredClone({ ...object, metadata: { ...object.metadata, uid, resourceVersion: String(this.#version) } }) as unknown as RawObject;
    this.objects.set(path, stored);
    return stored;
  }

  /** The object at a path; throws when there is none. */
  at(path: string): RawObject {
    const object = this.objects.get(path);
    if (object === undefined) throw new Error(`no object at ${path}`);
    return object;
  }

  async request(request: KubeRequest): Promise<unknown> {
    this.log.push(`${request.method} ${request.path}`);
    this.requests.push(request);
    const fault = this.fault(request);
    await this.gate;
    request.signal?.throwIfAborted();
    if (fault !== null) throw fault;
    return structuredClone(this.#answer(request));
  }

  async *watch(): AsyncGenerator<never> {
    // Writers do not watch.
  }

  close(): void {
    // Nothing is open.
  }

  #answer(request: KubeRequest): unknown {
    const path = request.path.replace(/\/status$/, '');
    switch (request.method) {
      case 'GET':
        return this.objects.get(path) ?? this.#list(request);
      case 'POST':
        return this.#create(request);
      case 'PATCH':
        return this.#patch(path, request);
      case 'DELETE':
        return this.#delete(path, request);
      case 'PUT':
        throw new KubeError('invalid', 'not simulated', { status: 405 });
    }
  }

  #list({ path, query }: KubeRequest): unknown {
    const labels = query?.['labelSelector']?.split(',').map((term) => term.split('='));
    if (labels === undefined) throw new KubeError('notFound', `${path} not found`, { status: 404 });
    const plural = path.split('/').at(-1) ?? '';
    const items = [...this.objects].filter(([place]) => place.split('/').at(-2) === plural).map(([, object]) => object);
    const labelled = items.filter(({ metadata }) => {
      const own = (metadata['labels'] ?? {}) as Readonly<Record<string, string>>;
      return labels.every(([key = '', value]) => own[key] === value);
    });
    return { kind: 'List', metadata: {}, items: labelled };
  }

  #create({ path, body }: KubeRequest): RawObject {
    const object = body as RawObject;
    const place = `${path}/${object.metadata.name}`;
    if (this.objects.has(place)) throw new KubeError('conflict', `${place} already exists`, { status: 409 });
    const { status: _status, ...rest } = object;
    return this.put(place, rest as RawObject);
  }

  #patch(path: string, { body, patch }: KubeRequest): RawObject {
    const old = this.objects.get(path);
    if (old === undefined) throw new KubeError('notFound', `${path} not found`, { status: 404 });
    const patched = patch === 'json' ? applyJsonPatch(old, body) : applyMergePatch(old, body);
    const { metadata } = patched as RawObject;
    if (metadata.resourceVersion !== old.metadata.resourceVersion || metadata.uid !== old.metadata.uid) {
      throw new KubeError('conflict', 'the object has been modified', { status: 409 });
    }
    if (this.dropsIpMode) dropIpMode(patched);
    return JSON.stringify(patched) === JSON.stringify(old) ? old : this.put(path, patched as RawObject);
  }

  #delete(path: string, { body }: KubeRequest): unknown {
    const old = this.objects.get(path);
    if (old === undefined) throw new KubeError('notFound', `${path} not found`, { status: 404 });
    const uid = (body as { readonly preconditions?: { readonly uid?: string } } | undefined)?.preconditions?.uid;
    if (uid !== undefined && uid !== old.metadata.uid) throw new KubeError('conflict', 'another uid', { status: 409 });
    this.objects.delete(path);
    return { kind: 'Status', status: 'Success' };
  }
}

type Json = Record<string, unknown>;

function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Json = typeof target === 'object' && target !== null ? structuredClone(target as Json) : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}

function applyJsonPatch(target: unknown, patch: unknown): unknown {
  const result = structuredClone(target);
  for (const operation of patch as { readonly op: string; readonly path: string; readonly value?: unknown }[]) applyOperation(result, operation);
  return result;
}

function applyOperation(root: unknown, { op, path, value }: { readonly op: string; readonly path: string; readonly value?: unknown }): void {
  const keys = path.slice(1).split('/');
  const last = keys.pop() ?? '';
  let place = root as Json;
  for (const key of keys) place = stepInto(place, key);
  const exists = Object.hasOwn(place, last);
  if (op === 'test' && JSON.stringify(place[last]) !== JSON.stringify(value)) refuse(`test of ${path} failed`);
  if ((op === 'replace' || op === 'remove') && !exists) refuse(`${path} is missing`);
  if (op === 'test') return;
  if (Array.isArray(place)) changeList(place, last, { op, value });
  else if (op === 'remove') delete place[last];
  else place[last] = structuredClone(value);
}

function changeList(list: unknown[], last: string, { op, value }: { readonly op: string; readonly value: unknown }): void {
  const index = last === '-' ? list.length : Number(last);
  if (op === 'add') list.splice(index, 0, structuredClone(value));
  else if (op === 'remove') list.splice(index, 1);
  else list[index] = structuredClone(value);
}

function stepInto(place: Json, key: string): Json {
  const next = Object.hasOwn(place, key) ? place[key] : undefined;
  if (typeof next !== 'object' || next === null) refuse(`${key} is missing`);
  return next as Json;
}

function refuse(message: string): never {
  throw new KubeError('invalid', message, { status: 422 });
}

function dropIpMode(object: unknown): void {
  const { status } = object as { readonly status?: { readonly loadBalancer?: { readonly ingress?: Json[] } } };
  for (const entry of status?.loadBalancer?.ingress ?? []) delete entry['ipMode'];
}
