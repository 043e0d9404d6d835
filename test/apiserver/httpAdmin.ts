import { Agent, request as httpsRequest } from 'node:https';
import { ApiError } from './apiError.ts';
import type { AdminClient } from './admin.ts';
import { record, records, text, type KubeObject } from './json.ts';

/** Where the server is, and who asks. */
export interface HttpAdminOptions {
  readonly url: string;
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

interface KindPlace {
  readonly plural: string;
  readonly namespaced: boolean;
}

/** An administrator over HTTPS, with client certificates; paths of kinds come from discovery. Refusals are ApiErrors. */
export function httpAdmin({ url, authorityPem, certificatePem, privateKeyPem }: HttpAdminOptions): {
  readonly admin: AdminClient; isReady(): Promise<boolean>; close(): void;
} {
  const agent = new Agent({ keepAlive: true, ca: authorityPem, cert: certificatePem, key: privateKeyPem });
  const send = async (method: string, path: string, body?: object, type = 'application/json'): Promise<unknown> => {
    const { status, text: answer } = await exchange(agent, new URL(path, url), { method, body: body === undefined ? null : JSON.stringify(body), type });
    const parsed: unknown = answer.startsWith('{') ? JSON.parse(answer) : answer;
    if (status < 400) return parsed;
    const failure = record(parsed);
    throw new ApiError(status, text(failure['reason']), text(failure['message']), record(failure['details']));
  };
  const kinds = new Map<string, KindPlace>();
  const placeOf = async (apiVersion: string, kind: string): Promise<KindPlace> => {
    const key = `${apiVersion}/${kind}`;
    if (!kinds.has(key)) {
      const found = record(await send('GET', rootOf(apiVersion)));
      const resource = records(found['resources']).find((one) => one['kind'] === kind && !text(one['name']).includes('/'));
      if (resource !== undefined) kinds.set(key, { plural: text(resource['name']), namespaced: resource['namespaced'] === true });
    }
    const place = kinds.get(key);
    if (place === undefined) throw new ApiError(404, 'NotFound', `no kind ${kind} in ${apiVersion}`);
    return place;
  };
  const pathOf = async (of: { apiVersion: string; kind: string; namespace?: string | undefined; name?: string | undefined }, subresource?: string): Promise<string> => {
    const { plural, namespaced } = await placeOf(of.apiVersion, of.kind);
    const parts = [rootOf(of.apiVersion)];
    if (namespaced && of.namespace !== undefined) parts.push('namespaces', of.namespace);
    return [...parts, plural, ...(of.name === undefined ? [] : [of.name]), ...(subresource === undefined ? [] : [subresource])].join('/');
  };
  const within = (namespace: string | undefined): string => namespace ?? 'default';
  const admin: AdminClient = {
    async create(object) {
      const path = await pathOf({ apiVersion: object.apiVersion, kind: object.kind, namespace: within(object.metadata.namespace) });
      return (await send('POST', `${path}?fieldManager=test&fieldValidation=Strict`, object)) as KubeObject;
    },
    async update(object, subresource) {
      const { name, namespace } = object.metadata;
      const path = await pathOf({ apiVersion: object.apiVersion, kind: object.kind, namespace: within(namespace), name }, subresource);
      return (await send('PUT', `${path}?fieldManager=test`, object)) as KubeObject;
    },
    async patch(place, change, subresource) {
      const path = await pathOf({ ...place, namespace: within(place.namespace) }, subresource);
      return (await send('PATCH', `${path}?fieldManager=test`, change, 'application/merge-patch+json')) as KubeObject;
    },
    async delete(place) {
      await send('DELETE', await pathOf({ ...place, namespace: within(place.namespace) }));
    },
    async get(place) {
      try {
        return (await send('GET', await pathOf({ ...place, namespace: within(place.namespace) }))) as KubeObject;
      } catch (error) {
        if (error instanceof ApiError && error.code === 404) return null;
        throw error;
      }
    },
    async list(of) {
      const items = record(await send('GET', await pathOf(of)))['items'];
      return records(items).map((item) => ({ apiVersion: of.apiVersion, kind: of.kind, ...item }) as KubeObject);
    },
  };
  return {
    admin,
    async isReady() {
      try {
        return (await send('GET', '/readyz')) === 'ok';
      } catch {
        return false;
      }
    },
    close: () => agent.destroy(),
  };
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

async function exchange(
  agent: Agent, url: URL, { method, body, type }: { readonly method: string; readonly body: string | null; readonly type: string },
): Promise<{ readonly status: number; readonly text: string }> {
  return await new Promise((resolve, reject) => {
    const request = httpsRequest(url, { agent, method, timeout: 30_000, headers: { accept: 'application/json', ...(body === null ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }) } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 30 s')));
    request.on('error', reject);
    request.end(body);
  });
}
