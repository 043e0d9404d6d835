import { duplicate, invalidValue, notSupported, required, type FieldError } from '../fieldError.ts';
import { isIP } from 'node:net';
import { at, isRecord, records, record, text, type JsonObject, type KubeObject } from '../json.ts';
import { isSubdomain, nameErrors } from '../names.ts';
import type { ResourceType } from '../resourceType.ts';
import { AGE, NAME, column, field, joined, labelsText } from '../tables/columns.ts';
import { define } from './define.ts';
import { anything, atomic, boolean, conditions, integer, labelSelector, listOf, object, objectReference, string, strings, keyed } from './shapes.ts';

const backend = object({
  service: object({ name: string, port: atomic(object({ name: string, number: integer })) }),
  resource: atomic(object({ apiGroup: string, kind: string, name: string })),
});

const ingressSpec = object({
  ingressClassName: string, defaultBackend: backend,
  tls: listOf(object({ hosts: listOf(string), secretName: string })),
  rules: listOf(object({ host: string, http: object({ paths: listOf(object({ path: string, pathType: string, backend })) }) })),
});

const ingressStatus = object({
  loadBalancer: object({
    ingress: listOf(object({ ip: string, hostname: string, ports: listOf(object({ port: integer, protocol: string, error: string })) })),
  }),
});

const GROUP = 'networking.k8s.io';

/** Kinds of networking.k8s.io and discovery.k8s.io. */
export const NETWORKING: readonly ResourceType[] = [
  define({
    group: GROUP, kind: 'Ingress', plural: 'ingresses', shortNames: ['ing'], hasStatus: true, hasGeneration: true,
    schema: object({ spec: ingressSpec, status: ingressStatus }),
    columns: [
      NAME, column('Class', (ingress) => text(at(ingress, 'spec', 'ingressClassName')) || '<none>'),
      column('Hosts', (ingress) => joined(records(at(ingress, 'spec', 'rules')).map(({ host }) => text(host)).filter((host) => host !== ''), '*')),
      column('Address', (ingress) => joined(records(at(ingress, 'status', 'loadBalancer', 'ingress')).map((one) => text(one['ip']) || text(one['hostname'])), '')),
      column('Ports', (ingress) => (records(at(ingress, 'spec', 'tls')).length > 0 ? '80, 443' : '80')), AGE,
    ],
    strategy: {
      prepare(ingress, old) {
        if (old === null) ingress['status'] = { loadBalancer: {} };
        if (!isRecord(ingress['status'])) ingress['status'] = { loadBalancer: {} };
      },
      validate: (ingress, _old, { subresource }) => (subresource === 'status' ? ingressStatusErrors(ingress) : ingressErrors(ingress)),
    },
  }),
  define({
    group: GROUP, kind: 'IngressClass', plural: 'ingressclasses', namespaced: false, hasGeneration: true,
    schema: object({ spec: object({ controller: string, parameters: object({ apiGroup: string, kind: string, name: string, scope: { ...string, default: 'Cluster' }, namespace: string }) }) }),
    columns: [
      NAME, field('Controller', 'spec.controller'),
      column('Parameters', (of) => (isRecord(at(of, 'spec', 'parameters')) ? `${text(at(of, 'spec', 'parameters', 'kind'))}/${text(at(of, 'spec', 'parameters', 'name'))}` : '<none>')), AGE,
    ],
    strategy: { validate: ingressClassErrors },
  }),
  define({
    group: GROUP, kind: 'NetworkPolicy', plural: 'networkpolicies', shortNames: ['netpol'], hasGeneration: true,
    schema: object({ spec: object({ podSelector: labelSelector, ingress: listOf(anything), egress: listOf(anything), policyTypes: listOf(string) }) }),
    columns: [NAME, column('Pod-Selector', (of) => labelsText(at(of, 'spec', 'podSelector', 'matchLabels'))), AGE],
  }),
  define({
    group: 'discovery.k8s.io', kind: 'EndpointSlice', plural: 'endpointslices', hasGeneration: true,
    schema: object({
      addressType: string,
      endpoints: listOf(object({
        addresses: { ...listOf(string), 'x-kubernetes-list-type': 'set' }, conditions: object({ ready: boolean, serving: boolean, terminating: boolean }), hostname: string, nodeName: string,
        zone: string, targetRef: objectReference, deprecatedTopology: strings,
        hints: object({ forZones: listOf(object({ name: string })), forNodes: listOf(object({ name: string })) }),
      })),
      ports: listOf(object({ name: { ...string, default: '' }, protocol: { ...string, default: 'TCP' }, port: integer, appProtocol: string })),
    }),
    columns: [
      NAME, field('AddressType', 'addressType'), column('Ports', (slice) => joined(records(slice['ports']).map(({ port }) => port), '<unset>')),
      column('Endpoints', (slice) => joined(records(slice['endpoints']).flatMap(({ addresses }) => addresses as string[]), '<unset>')), AGE,
    ],
    strategy: { validate: sliceErrors, prepare: (slice) => void (slice['endpoints'] ??= null) },
  }),
];

function ingressErrors(ingress: KubeObject): FieldError[] {
  const spec = record(ingress['spec']);
  const errors: FieldError[] = [];
  const rules = records(spec['rules']);
  if (rules.length === 0 && spec['defaultBackend'] === undefined) errors.push(invalidValue('spec', spec, "either `defaultBackend` or `rules` must be specified"));
  if (spec['defaultBackend'] !== undefined) errors.push(...backendErrors(spec['defaultBackend'], 'spec.defaultBackend'));
  for (const [index, tls] of records(spec['tls']).entries()) {
    for (const [at, host] of (tls['hosts'] as string[] | undefined ?? []).entries()) {
      if (!isHost(host)) errors.push(invalidValue(`spec.tls[${index}].hosts[${at}]`, host, HOST_TEXT));
    }
  }
  for (const [index, rule] of rules.entries()) errors.push(...ruleErrors(rule, `spec.rules[${index}]`));
  if (text(spec['ingressClassName']) !== '') errors.push(...nameErrors('subdomain', 'spec.ingressClassName', text(spec['ingressClassName'])));
  return errors;
}

const HOST_TEXT = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

function isHost(host: string): boolean {
  return isSubdomain(host.startsWith('*.') ? host.slice(2) : host);
}

function ruleErrors(rule: JsonObject, path: string): FieldError[] {
  const host = text(rule['host']);
  const errors: FieldError[] = [];
  if (host !== '' && isIP(host) !== 0) errors.push(invalidValue(`${path}.host`, host, 'must be a DNS name, not an IP address'));
  else if (host !== '' && !isHost(host)) errors.push(invalidValue(`${path}.host`, host, HOST_TEXT));
  if (rule['http'] === undefined) return errors;
  const paths = records(at(rule, 'http', 'paths'));
  if (paths.length === 0) errors.push(required(`${path}.http.paths`));
  for (const [index, one] of paths.entries()) errors.push(...pathErrors(one, `${path}.http.paths[${index}]`));
  return errors;
}

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const INVALID_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const INVALID_ENDINGS = ['/..', '/.'];

function pathErrors(one: JsonObject, path: string): FieldError[] {
  const [type, value] = [text(one['pathType']), text(one['path'])];
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(`${path}.pathType`, 'pathType must be specified'));
  else if (!PATH_TYPES.includes(type)) errors.push(notSupported(`${path}.pathType`, type, PATH_TYPES));
  if (type === 'Exact' || type === 'Prefix') {
    if (!value.startsWith('/')) errors.push(invalidValue(`${path}.path`, value, 'must be an absolute path'));
    for (const sequence of INVALID_SEQUENCES) if (value.includes(sequence)) errors.push(invalidValue(`${path}.path`, value, `must not contain '${sequence}'`));
    for (const ending of INVALID_ENDINGS) if (value.endsWith(ending)) errors.push(invalidValue(`${path}.path`, value, `cannot end with '${ending}'`));
  } else if (value !== '' && !value.startsWith('/')) errors.push(invalidValue(`${path}.path`, value, 'must be an absolute path'));
  return [...errors, ...backendErrors(one['backend'], `${path}.backend`)];
}

function backendErrors(value: unknown, path: string): FieldError[] {
  const { service, resource } = record(value);
  if (service === undefined && resource === undefined) return [invalidValue(path, '', 'resource or service backend is required')];
  if (service !== undefined && resource !== undefined) return [invalidValue(path, '', 'cannot set both resource and service backends')];
  if (service === undefined) return text(at(resource, 'kind')) === '' ? [required(`${path}.resource.kind`)] : [];
  const errors: FieldError[] = [];
  const name = text(at(service, 'name'));
  if (name === '') errors.push(required(`${path}.service.name`));
  else errors.push(...nameErrors('serviceName', `${path}.service.name`, name));
  const [portName, number] = [text(at(service, 'port', 'name')), at(service, 'port', 'number')];
  if (portName === '' && (number === undefined || number === 0)) errors.push(required(path, 'port name or number is required'));
  else if (portName !== '' && number !== undefined) errors.push(invalidValue(path, '', 'cannot set both port name & port number'));
  else if (typeof number === 'number' && (number < 1 || number > 65_535)) errors.push(invalidValue(`${path}.service.port.number`, number, 'must be between 1 and 65535, inclusive'));
  return errors;
}

function ingressStatusErrors(ingress: KubeObject): FieldError[] {
  return records(at(ingress, 'status', 'loadBalancer', 'ingress')).flatMap((one, index) => {
    const path = `status.loadBalancer.ingress[${index}]`;
    const errors: FieldError[] = [];
    if (text(one['ip']) !== '' && isIP(text(one['ip'])) === 0) errors.push(invalidValue(`${path}.ip`, one['ip'], 'must be a valid IP address'));
    const hostname = text(one['hostname']);
    if (hostname !== '' && isIP(hostname) !== 0) errors.push(invalidValue(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address'));
    else if (hostname !== '' && !isSubdomain(hostname)) errors.push(invalidValue(`${path}.hostname`, hostname, HOST_TEXT));
    return errors;
  });
}

function ingressClassErrors(of: KubeObject, old: KubeObject | null): FieldError[] {
  const controller = text(at(of, 'spec', 'controller'));
  const errors: FieldError[] = [];
  if (old !== null && controller !== text(at(old, 'spec', 'controller'))) errors.push(invalidValue('spec.controller', controller, 'field is immutable'));
  if (controller === '') errors.push(required('spec.controller'));
  else if (!/^[^/]+\/.+$/.test(controller)) errors.push(invalidValue('spec.controller', controller, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  return errors;
}

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];

function sliceErrors(slice: KubeObject, old: KubeObject | null): FieldError[] {
  const type = text(slice['addressType']);
  const errors: FieldError[] = [];
  if (old !== null && old['addressType'] !== type) errors.push(invalidValue('addressType', type, 'field is immutable'));
  if (type === '') errors.push(required('addressType'));
  else if (!ADDRESS_TYPES.includes(type)) errors.push(notSupported('addressType', type, ADDRESS_TYPES));
  const endpoints = records(slice['endpoints']);
  if (endpoints.length > 1000) errors.push({ rule: 'tooMany', field: 'endpoints', value: endpoints.length, detail: 'must have at most 1000 items' });
  for (const [index, endpoint] of endpoints.entries()) errors.push(...addressErrors(endpoint, type, `endpoints[${index}].addresses`));
  const names = new Set<string>();
  for (const [index, port] of records(slice['ports']).entries()) {
    const name = text(port['name']);
    if (names.has(name)) errors.push(duplicate(`ports[${index}].name`, name));
    names.add(name);
    if (!['TCP', 'UDP', 'SCTP'].includes(text(port['protocol']))) errors.push(notSupported(`ports[${index}].protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']));
  }
  return errors;
}

function addressErrors(endpoint: JsonObject, type: string, path: string): FieldError[] {
  const addresses = (endpoint['addresses'] ?? []) as string[];
  if (addresses.length === 0) return [required(path, 'must contain at least 1 address')];
  if (addresses.length > 100) return [{ rule: 'tooMany', field: path, value: addresses.length, detail: 'must have at most 100 items' }];
  const wanted = type === 'IPv4' ? 4 : type === 'IPv6' ? 6 : 0;
  return addresses.flatMap((address, index) => {
    if (wanted === 0 || isIP(address) === wanted) return [];
    return [invalidValue(`${path}[${index}]`, address, wanted === 4 ? 'must be a valid IPv4 address' : 'must be a valid IPv6 address')];
  });
}

/** Kept for kinds that show conditions next to these. */
export const LOAD_BALANCER_STATUS = object({
  loadBalancer: object({
    ingress: listOf(object({
      ip: string, ipMode: string, hostname: string,
      ports: listOf(object({ port: integer, protocol: { ...string }, error: string })),
    })),
  }),
  conditions: keyed(['type'], conditions.items ?? {}),
});
