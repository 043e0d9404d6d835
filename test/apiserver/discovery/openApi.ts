import type { Registry } from '../registry.ts';
import { apiVersionOf, type ResourceType } from '../resourceType.ts';
import type { Schema } from '../schema/schema.ts';
import type { DiscoveryAnswer } from './discovery.ts';

/**
 * OpenAPI v2. The document names no kinds, which makes clients skip checks of their own and leave them to the server. kubectl
 * takes it as protobuf only (gnostic's openapi.v2.Document: field 1 is `swagger`).
 */
export function openApiV2(accept: string): DiscoveryAnswer {
  if (!accept.includes('protobuf')) return { body: { swagger: '2.0', info: { title: 'Kubernetes', version: 'v1.32.0' }, paths: {}, definitions: {} } };
  const text = Buffer.from('2.0');
  return { body: Buffer.concat([Buffer.from([0x0a, text.length]), text]), type: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' };
}

/** OpenAPI v3: the index for an empty path, else the document of one group and version; null: no such one. */
export function openApiV3(registry: Registry, path: string): DiscoveryAnswer | null {
  const groupVersions = new Set(registry.all().flatMap((type) => type.versions.filter(({ served }) => served).map(({ name }) => rootOf(type, name))));
  if (path === '') {
    const paths = [...groupVersions].map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }]);
    return { body: { paths: Object.fromEntries(paths) as object } };
  }
  return groupVersions.has(path) ? { body: documentOf(registry, path) } : null;
}

function rootOf({ group }: ResourceType, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

function documentOf(registry: Registry, root: string): object {
  const paths: Record<string, object> = {};
  const schemas: Record<string, object> = {};
  for (const type of registry.all()) {
    for (const version of type.versions) {
      if (!version.served || rootOf(type, version.name) !== root) continue;
      const kind = { group: type.group, version: version.name, kind: type.kind };
      const id = `${apiVersionOf(type, version.name).replaceAll('/', '.')}.${type.kind}`;
      const place = `/${root}/${type.namespaced ? 'namespaces/{namespace}/' : ''}${type.plural}`;
      paths[place] = { post: operation(kind, id, 'post'), get: operation(kind, id, 'list') };
      paths[`${place}/{name}`] = { get: operation(kind, id, 'get'), put: operation(kind, id, 'put'), patch: operation(kind, id, 'patch') };
      schemas[id] = { ...described(version.schema), 'x-kubernetes-group-version-kind': [kind] };
    }
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.32.0' }, paths, components: { schemas } };
}

function described(schema: Schema | null): object {
  return { type: 'object', ...schema };
}

function operation(kind: object, id: string, action: string): object {
  const writes = action === 'post' || action === 'put' || action === 'patch';
  const parameters = writes ? ['dryRun', 'fieldManager', 'fieldValidation'] : [];
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${id}` } } };
  return {
    parameters: parameters.map((name) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } })),
    ...(writes ? { requestBody: { content: action === 'patch' ? { 'application/apply-patch+yaml': { schema: { type: 'object' } } } : content, required: true } } : {}),
    responses: { 200: { description: 'OK', content } },
    'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': kind,
  };
}
