import type { Registry } from '../registry.ts';
import type { ResourceType } from '../resourceType.ts';
import { openApiV2, openApiV3 } from './openApi.ts';

/** An answer to a path that is no resource: JSON, text, or octets of the given type. */
export interface DiscoveryAnswer {
  readonly body: object | string | Buffer;
  readonly type?: string;
}

const VERSION = {
  major: '1', minor: '32', gitVersion: 'v1.32.0', gitCommit: '0', gitTreeState: 'clean', buildDate: '2024-12-11T00:00:00Z', goVersion: 'go1.23.3',
  compiler: 'gc', platform: 'linux/amd64',
};
const HEALTH = new Set(['healthz', 'livez', 'readyz']);

/** Answers discovery, version, health and OpenAPI; null: no such path. */
export function discoveryAnswer(registry: Registry, path: string, accept: string): DiscoveryAnswer | null {
  const parts = path.split('/').filter((part) => part !== '');
  const [first = '', second = '', third = ''] = parts;
  if (HEALTH.has(first)) return { body: 'ok' };
  if (first === 'version') return { body: VERSION };
  if (first === 'openapi' && second === 'v2') return openApiV2(accept);
  if (first === 'openapi' && second === 'v3') return openApiV3(registry, parts.slice(2).join('/'));
  if (first === '') return { body: { paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'] } };
  if (first === 'api') return parts.length === 1 ? { body: coreVersions() } : second === 'v1' && parts.length === 2 ? { body: resourceList(registry, '', 'v1') } : null;
  if (first !== 'apis' || parts.length > 3) return null;
  if (parts.length === 1) return { body: { kind: 'APIGroupList', apiVersion: 'v1', groups: groupNames(registry).map((name) => groupOf(registry, name)) } };
  if (!groupNames(registry).includes(second)) return null;
  if (parts.length === 2) return { body: { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(registry, second) } };
  return versionNames(registry, second).includes(third) ? { body: resourceList(registry, second, third) } : null;
}

function coreVersions(): object {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:443' }] };
}

/** Groups that have a served version, in the order they came. */
export function groupNames(registry: Registry): string[] {
  const names = new Set(registry.all().filter((type) => type.versions.some(({ served }) => served)).map(({ group }) => group));
  names.add('authorization.k8s.io');
  names.delete('');
  return [...names];
}

/** Served versions of a group, the preferred one first: stable before beta before alpha, higher numbers first. */
export function versionNames(registry: Registry, group: string): string[] {
  const names = new Set(registry.all().filter((type) => type.group === group).flatMap((type) => type.versions.filter(({ served }) => served).map(({ name }) => name)));
  if (group === 'authorization.k8s.io') names.add('v1');
  return [...names].toSorted((one, other) => rank(other) - rank(one));
}

function rank(version: string): number {
  const found = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (found === null) return -1;
  const stage = found[2] === undefined ? 2 : found[2] === 'beta' ? 1 : 0;
  return stage * 1e6 + Number(found[1]) * 1000 + Number(found[3] ?? 0);
}

function groupOf(registry: Registry, name: string): object {
  const versions = versionNames(registry, name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
}

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

function resourceList(registry: Registry, group: string, version: string): object {
  const types = registry.all().filter((type) => type.group === group && type.versions.some((one) => one.name === version && one.served));
  const resources = types.flatMap(entriesOf);
  if (group === 'authorization.k8s.io') {
    for (const kind of ['SelfSubjectAccessReview', 'SubjectAccessReview']) {
      resources.push({ name: `${kind.toLowerCase()}s`, singularName: kind.toLowerCase(), namespaced: false, kind, verbs: ['create'] });
    }
  }
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: group === '' ? version : `${group}/${version}`, resources };
}

function entriesOf(type: ResourceType): object[] {
  const { plural, singular, namespaced, kind, shortNames, categories } = type;
  const entry = {
    name: plural, singularName: singular, namespaced, kind, verbs: ALL_VERBS,
    ...(shortNames.length === 0 ? {} : { shortNames }), ...(categories.length === 0 ? {} : { categories }),
  };
  const status = { name: `${plural}/status`, singularName: '', namespaced, kind, verbs: ['get', 'patch', 'update'] };
  const finalize = { name: `${plural}/finalize`, singularName: '', namespaced, kind, verbs: ['update'] };
  return [entry, ...(type.hasStatus ? [status] : []), ...(kind === 'Namespace' ? [finalize] : [])];
}
