import { list, records, text, type JsonObject, type KubeObject } from '../json.ts';
import type { Storage } from '../storage/storage.ts';
import type { Caller } from '../verbs/engine.ts';

/** What somebody wants to do. */
export type Attributes =
  | {
    readonly type: 'resource';
    readonly verb: string;
    readonly group: string;
    readonly resource: string;
    readonly subresource: string;
    readonly namespace: string;
    readonly name: string;
  }
  | { readonly type: 'path'; readonly verb: string; readonly path: string };

const RBAC = 'rbac.authorization.k8s.io';
/** What every authenticated user may read (the bootstrap role system:discovery). */
const DISCOVERY = ['/api', '/api/*', '/apis', '/apis/*', '/healthz', '/livez', '/openapi', '/openapi/*', '/readyz', '/version', '/version/'];
const PUBLIC = ['/healthz', '/livez', '/readyz', '/version', '/version/'];

/** Whether the RBAC objects in `storage` allow it; system:masters may do everything. */
export function isAllowed(storage: Storage, caller: Caller, attributes: Attributes): boolean {
  if (caller.groups.includes('system:masters')) return true;
  if (attributes.type === 'path') {
    const open = caller.groups.includes('system:authenticated') ? DISCOVERY : PUBLIC;
    if (attributes.verb === 'get' && open.some((pattern) => matchesPath(pattern, attributes.path))) return true;
  }
  if (attributes.type === 'resource' && caller.groups.includes('system:authenticated') && isSelfReview(attributes)) return true;
  const clusterRules = bindings(storage, 'clusterrolebindings', '').filter((binding) => bindsTo(binding, caller, ''));
  if (clusterRules.some((binding) => rulesOf(storage, binding, '').some((rule) => ruleAllows(rule, attributes)))) return true;
  if (attributes.type === 'path' || attributes.namespace === '') return false;
  const { namespace } = attributes;
  return bindings(storage, 'rolebindings', `${namespace}/`).filter((binding) => bindsTo(binding, caller, namespace))
    .some((binding) => rulesOf(storage, binding, namespace).some((rule) => ruleAllows(rule, attributes)));
}

/** What every authenticated user may ask (the bootstrap role system:basic-user). */
function isSelfReview({ group, resource, verb }: { readonly group: string; readonly resource: string; readonly verb: string }): boolean {
  return group === 'authorization.k8s.io' && verb === 'create' && resource.startsWith('selfsubject');
}

function bindings(storage: Storage, plural: string, prefix: string): readonly KubeObject[] {
  return storage.list(`${RBAC}/${plural}`, prefix);
}

function bindsTo(binding: KubeObject, caller: Caller, namespace: string): boolean {
  return records(binding['subjects']).some((subject) => {
    const name = text(subject['name']);
    if (subject['kind'] === 'Group') return caller.groups.includes(name);
    if (subject['kind'] === 'User') return caller.name === name;
    const of = text(subject['namespace']) === '' ? namespace : text(subject['namespace']);
    return subject['kind'] === 'ServiceAccount' && caller.name === `system:serviceaccount:${of}:${name}`;
  });
}

function rulesOf(storage: Storage, binding: KubeObject, namespace: string): JsonObject[] {
  const reference = (binding['roleRef'] ?? {}) as JsonObject;
  const name = text(reference['name']);
  const role = reference['kind'] === 'Role' ? storage.get(`${RBAC}/roles`, `${namespace}/${name}`) : storage.get(`${RBAC}/clusterroles`, name);
  return records(role?.['rules']);
}

function ruleAllows(rule: JsonObject, attributes: Attributes): boolean {
  const has = (field: string, value: string): boolean => list(rule[field]).some((one) => one === '*' || one === value);
  if (!has('verbs', attributes.verb)) return false;
  if (attributes.type === 'path') return list(rule['nonResourceURLs']).some((pattern) => matchesPath(text(pattern), attributes.path));
  const { resource, subresource, name } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const resources = list(rule['resources']);
  const namesIt = resources.includes('*') || resources.includes(combined) || (subresource !== '' && resources.includes(`*/${subresource}`));
  const names = list(rule['resourceNames']);
  return has('apiGroups', attributes.group) && namesIt && (names.length === 0 || (name !== '' && names.includes(name)));
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}

/** What a refusal says, in the server's words. */
export function refusalText(caller: Caller, attributes: Attributes): string {
  const who = `User ${JSON.stringify(caller.name)}`;
  if (attributes.type === 'path') return `${who} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}`;
  const { verb, resource, subresource, group, namespace } = attributes;
  const what = `resource ${JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`)} in API group ${JSON.stringify(group)}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `${who} cannot ${verb} ${what} ${where}`;
}
