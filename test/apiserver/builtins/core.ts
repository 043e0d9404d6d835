import { at, list, record, records, scalar, text, type KubeObject } from '../json.ts';
import { invalidValue, required, type FieldError } from '../fieldError.ts';
import type { ResourceType } from '../resourceType.ts';
import { AGE, NAME, column, count, field, joined } from '../tables/columns.ts';
import { define } from './define.ts';
import { anything, boolean, conditions, integer, keyed, listOf, mergedBy, object, objectReference, setOf, string, strings } from './shapes.ts';

const endpointAddress = object({ ip: string, hostname: string, nodeName: string, targetRef: objectReference });
const endpointPort = object({ name: string, port: integer, protocol: { ...string, default: 'TCP' }, appProtocol: string });

const containers = keyed(['name'], {
  ...anything, type: 'object',
  properties: {
    name: string,
    ports: keyed(['containerPort', 'protocol'], { ...anything, type: 'object', properties: { protocol: { ...string, default: 'TCP' } } }),
    env: keyed(['name'], { ...anything, type: 'object' }),
    volumeMounts: keyed(['mountPath'], { ...anything, type: 'object' }),
  },
});

/** Spec of a Pod: what is merged by key is told, the rest is kept as it is. */
export const podSpec = {
  ...anything, type: 'object',
  properties: { containers, initContainers: containers, volumes: keyed(['name'], { ...anything, type: 'object' }) },
};

/** Template of Pods in workloads. */
export const podTemplate = object({ metadata: anything, spec: podSpec });

/** Kinds of the core group but Service and Event. */
export const CORE: readonly ResourceType[] = [
  define({
    kind: 'Namespace', plural: 'namespaces', shortNames: ['ns'], namespaced: false, hasStatus: true, nameRule: 'label',
    selectable: ['status.phase'],
    schema: object({ spec: object({ finalizers: listOf(string) }), status: object({ phase: string, conditions }) }),
    columns: [NAME, field('Status', 'status.phase'), AGE],
    strategy: {
      setDefaults(namespace) {
        const labels = namespace.metadata.labels ?? {};
        if (namespace.metadata.name !== '') namespace.metadata.labels = { ...labels, 'kubernetes.io/metadata.name': namespace.metadata.name };
      },
      prepare(namespace, old, { subresource }) {
        if (old === null) {
          namespace['spec'] = { finalizers: ['kubernetes'] };
          namespace['status'] = { phase: 'Active' };
        } else if (subresource !== 'finalize') namespace['spec'] = old['spec'];
      },
    },
  }),
  define({
    kind: 'Node', plural: 'nodes', shortNames: ['no'], namespaced: false, hasStatus: true, createsStatus: true,
    selectable: ['spec.unschedulable'],
    schema: object({
      spec: object({
        podCIDR: string, podCIDRs: setOf(string), providerID: string, unschedulable: boolean, externalID: string, configSource: anything,
        taints: listOf(object({ key: string, value: string, effect: string, timeAdded: string })),
      }),
      status: object({
        capacity: anything, allocatable: anything, phase: string, conditions, addresses: mergedBy('type', object({ type: string, address: string })),
        daemonEndpoints: anything, nodeInfo: anything, images: anything, volumesInUse: anything, volumesAttached: anything, config: anything,
        runtimeHandlers: anything, features: anything,
      }),
    }),
    columns: [
      NAME, column('Status', nodeStatus), column('Roles', nodeRoles), AGE, field('Version', 'status.nodeInfo.kubeletVersion'),
      column('Internal-IP', (node) => nodeAddress(node, 'InternalIP'), { priority: 1 }),
      column('External-IP', (node) => nodeAddress(node, 'ExternalIP'), { priority: 1 }),
    ],
  }),
  define({
    kind: 'Pod', plural: 'pods', shortNames: ['po'], categories: ['all'], hasStatus: true,
    selectable: ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'spec.hostNetwork', 'status.phase',
      'status.podIP', 'status.nominatedNodeName'],
    schema: object({ spec: podSpec, status: { ...anything, type: 'object', properties: { conditions } } }),
    columns: [
      NAME, column('Ready', (pod) => `${records(at(pod, 'status', 'containerStatuses')).filter(({ ready }) => ready === true).length}/${list(at(pod, 'spec', 'containers')).length}`),
      field('Status', 'status.phase'), column('Restarts', () => '0'), AGE,
      field('IP', 'status.podIP', { priority: 1 }), field('Node', 'spec.nodeName', { priority: 1 }),
    ],
    strategy: {
      prepare(pod, old) {
        if (old === null) pod['status'] = { phase: 'Pending', qosClass: 'BestEffort' };
      },
    },
  }),
  define({
    kind: 'Endpoints', plural: 'endpoints', shortNames: ['ep'], createOnUpdate: true,
    schema: object({ subsets: listOf(object({ addresses: listOf(endpointAddress), notReadyAddresses: listOf(endpointAddress), ports: listOf(endpointPort) })) }),
    columns: [NAME, column('Endpoints', endpointsText), AGE],
  }),
  define({
    kind: 'Secret', plural: 'secrets', selectable: ['type'],
    schema: object({ data: { type: 'object', additionalProperties: { type: 'string', format: 'byte' } }, stringData: strings, type: { ...string, default: 'Opaque' }, immutable: boolean }),
    columns: [NAME, field('Type', 'type'), count('Data', 'data'), AGE],
    strategy: { setDefaults: mergeStringData, validate: secretErrors },
  }),
  define({
    kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'],
    schema: object({ data: strings, binaryData: strings, immutable: boolean }),
    columns: [NAME, count('Data', 'data'), AGE],
    strategy: { validate: (map, old) => [...keyErrors(map, ['data', 'binaryData']), ...immutableErrors(map, old, ['data', 'binaryData'])] },
  }),
  define({
    kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'],
    schema: object({
      automountServiceAccountToken: boolean, secrets: mergedBy('name', objectReference),
      imagePullSecrets: listOf(object({ name: string })),
    }),
    columns: [NAME, count('Secrets', 'secrets'), AGE],
  }),
];

function nodeStatus(node: KubeObject): string {
  const ready = records(at(node, 'status', 'conditions')).find(({ type }) => type === 'Ready');
  const status = ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady';
  return at(node, 'spec', 'unschedulable') === true ? `${status},SchedulingDisabled` : status;
}

function nodeRoles(node: KubeObject): string {
  const prefix = 'node-role.kubernetes.io/';
  return joined(Object.keys(node.metadata.labels ?? {}).filter((label) => label.startsWith(prefix)).map((label) => label.slice(prefix.length)).toSorted());
}

function nodeAddress(node: KubeObject, type: string): string {
  const found = records(at(node, 'status', 'addresses')).find((address) => address['type'] === type);
  return text(found?.['address']) || '<none>';
}

function endpointsText(endpoints: KubeObject): string {
  const texts = records(endpoints['subsets']).flatMap((subset) => {
    const ports = records(subset['ports']);
    return ports.flatMap(({ port }) => records(subset['addresses']).map(({ ip }) => `${text(ip)}:${scalar(port)}`));
  });
  if (texts.length <= 3) return joined(texts);
  return `${texts.slice(0, 3).join(',')} + ${texts.length - 3} more...`;
}

function mergeStringData(secret: KubeObject): void {
  const plain = record(secret['stringData']);
  delete secret['stringData'];
  if (Object.keys(plain).length === 0) return;
  const encoded = Object.entries(plain).map(([key, value]) => [key, Buffer.from(text(value)).toString('base64')]);
  secret['data'] = { ...record(secret['data']), ...Object.fromEntries(encoded) as object };
}

/** Keys that Secrets of a type must have (core/v1 validation). */
const REQUIRED_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']], ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']], ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
]);

function secretErrors(secret: KubeObject, old: KubeObject | null): FieldError[] {
  const data = record(secret['data']);
  const missing = (REQUIRED_KEYS.get(text(secret['type'])) ?? []).filter((key) => data[key] === undefined);
  const errors = [...keyErrors(secret, ['data']), ...missing.map((key) => required(`data[${key}]`))];
  for (const [key, value] of Object.entries(data)) {
    if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text(value))) errors.push(invalidValue(`data[${key}]`, '<secret contents redacted>', 'illegal base64 data'));
  }
  if (old !== null && old['type'] !== secret['type']) errors.push(invalidValue('type', secret['type'], 'field is immutable'));
  return [...errors, ...immutableErrors(secret, old, ['data'])];
}

function keyErrors(object: KubeObject, fields: readonly string[]): FieldError[] {
  const message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return fields.flatMap((name) => Object.keys(record(object[name])).filter((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key === '.' || key === '..')
    .map((key) => invalidValue(`${name}[${key}]`, key, message)));
}

function immutableErrors(object: KubeObject, old: KubeObject | null, fields: readonly string[]): FieldError[] {
  if (old?.['immutable'] !== true) return [];
  const changed = [...fields, 'immutable'].filter((name) => JSON.stringify(object[name]) !== JSON.stringify(old[name]));
  return changed.map((name) => ({ rule: 'forbidden', field: name, detail: 'field is immutable when `immutable` is set' }));
}
