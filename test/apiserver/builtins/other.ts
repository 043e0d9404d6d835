import { at, isRecord, list, records, text, type KubeObject } from '../json.ts';
import { invalidValue, notSupported, required, type FieldError } from '../fieldError.ts';
import type { ResourceType, Strategy } from '../resourceType.ts';
import type { Schema } from '../schema/schema.ts';
import { AGE, NAME, column, count, field } from '../tables/columns.ts';
import { podTemplate } from './core.ts';
import { define } from './define.ts';
import { anything, atomic, conditions, integer, labelSelector, listOf, mergedBy, object, string, keyed } from './shapes.ts';

const RBAC = 'rbac.authorization.k8s.io';
const rules = listOf(object({ verbs: listOf(string), apiGroups: listOf(string), resources: listOf(string), resourceNames: listOf(string), nonResourceURLs: listOf(string) }));
const binding: Schema = object({
  subjects: listOf(object({ kind: string, apiGroup: string, name: string, namespace: string })),
  roleRef: atomic(object({ apiGroup: string, kind: string, name: string })),
});

const bindingStrategy: Strategy = {
  setDefaults(of) {
    const reference = of['roleRef'];
    if (isRecord(reference)) reference['apiGroup'] ??= RBAC;
    for (const subject of records(of['subjects'])) if (subject['kind'] !== 'ServiceAccount') subject['apiGroup'] ??= RBAC;
  },
  validate(of, old) {
    const errors: FieldError[] = [];
    if (text(at(of, 'roleRef', 'name')) === '') errors.push(required('roleRef.name'));
    if (old !== null && JSON.stringify(old['roleRef']) !== JSON.stringify(of['roleRef'])) errors.push(invalidValue('roleRef', of['roleRef'], 'cannot change roleRef'));
    for (const [index, subject] of records(of['subjects']).entries()) {
      const kind = text(subject['kind']);
      if (!['ServiceAccount', 'User', 'Group'].includes(kind)) errors.push(notSupported(`subjects[${index}].kind`, kind, ['Group', 'ServiceAccount', 'User']));
      if (kind === 'ServiceAccount' && text(subject['namespace']) === '') errors.push(required(`subjects[${index}].namespace`));
    }
    return errors;
  },
};

const ruleStrategy: Strategy = {
  validate: (of) => records(of['rules']).flatMap((rule, index) => (list(rule['verbs']).length === 0 ? [required(`rules[${index}].verbs`, 'verbs must contain at least one value')] : [])),
};

const lease = object({
  spec: object({
    holderIdentity: string, leaseDurationSeconds: integer, acquireTime: string, renewTime: string, leaseTransitions: integer, strategy: string,
    preferredHolder: string,
  }),
});

const MICRO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

const leaseStrategy: Strategy = {
  /** MicroTime: six digits, whatever came. */
  setDefaults(of) {
    const spec = of['spec'];
    if (!isRecord(spec)) return;
    for (const name of ['acquireTime', 'renewTime']) {
      const value = text(spec[name]);
      if (value !== '' && !MICRO_TIME.test(value)) spec[name] = microTime(value);
    }
  },
  validate(of) {
    const errors: FieldError[] = [];
    const [duration, transitions] = [at(of, 'spec', 'leaseDurationSeconds'), at(of, 'spec', 'leaseTransitions')];
    if (typeof duration === 'number' && duration <= 0) errors.push(invalidValue('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
    if (typeof transitions === 'number' && transitions < 0) errors.push(invalidValue('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
    return errors;
  },
};

function microTime(value: string): string {
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? '';
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : `${date.toISOString().slice(0, 19)}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
}

const workload = (more: Readonly<Record<string, Schema>>): Schema => object({
  spec: { ...anything, type: 'object', properties: { selector: labelSelector, template: podTemplate, ...more } },
  status: { ...anything, type: 'object', properties: { conditions } },
});

const workloadStrategy: Strategy = {
  validate(of) {
    const errors: FieldError[] = [];
    const selector = at(of, 'spec', 'selector');
    if (!isRecord(selector)) errors.push(required('spec.selector'));
    const labels = at(of, 'spec', 'template', 'metadata', 'labels');
    const wanted = Object.entries((at(selector, 'matchLabels') ?? {}) as object);
    if (wanted.some(([key, value]) => at(labels, key) !== value)) errors.push(invalidValue('spec.template.metadata.labels', labels ?? {}, '`selector` does not match template `labels`'));
    if (list(at(of, 'spec', 'template', 'spec', 'containers')).length === 0) errors.push(required('spec.template.spec.containers'));
    return errors;
  },
  prepare: (of) => void (of['status'] ??= {}),
};

const number = (of: KubeObject, ...path: string[]): number => Number(at(of, ...path) ?? 0);

const webhook = object({
  name: string,
  clientConfig: object({ url: string, caBundle: string, service: object({ namespace: string, name: string, path: string, port: { ...integer, default: 443 } }) }),
  rules: listOf(object({
    operations: listOf(string), apiGroups: listOf(string), apiVersions: listOf(string), resources: listOf(string), scope: { ...string, default: '*' },
  })),
  failurePolicy: { ...string, default: 'Fail' }, matchPolicy: { ...string, default: 'Equivalent' },
  namespaceSelector: { ...labelSelector, default: {} }, objectSelector: { ...labelSelector, default: {} },
  sideEffects: string, timeoutSeconds: { ...integer, default: 10 }, admissionReviewVersions: listOf(string),
  matchConditions: keyed(['name'], object({ name: string, expression: string })),
});

function webhookErrors(of: KubeObject): FieldError[] {
  return records(of['webhooks']).flatMap((one, index) => {
    const path = `webhooks[${index}]`;
    const errors: FieldError[] = [];
    const name = text(one['name']);
    if (name.split('.').length < 3) errors.push(invalidValue(`${path}.name`, name, 'should be a domain with at least three segments separated by dots'));
    if (!['None', 'NoneOnDryRun'].includes(text(one['sideEffects']))) errors.push(text(one['sideEffects']) === '' ? required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun') : notSupported(`${path}.sideEffects`, one['sideEffects'], ['None', 'NoneOnDryRun']));
    if (list(one['admissionReviewVersions']).length === 0) errors.push(required(`${path}.admissionReviewVersions`, 'must specify one of v1, v1beta1'));
    const timeout = one['timeoutSeconds'];
    if (typeof timeout === 'number' && (timeout < 1 || timeout > 30)) errors.push(invalidValue(`${path}.timeoutSeconds`, timeout, 'the timeout value must be between 1 and 30 seconds'));
    const hasUrl = at(one, 'clientConfig', 'url') !== undefined;
    if (hasUrl === (at(one, 'clientConfig', 'service') !== undefined)) errors.push(required(`${path}.clientConfig`, 'exactly one of url or service is required'));
    return errors;
  });
}


/** All the rest, most of which the server only keeps. */
export const OTHER: readonly ResourceType[] = [
  define({
    group: 'coordination.k8s.io', kind: 'Lease', plural: 'leases', schema: lease, strategy: leaseStrategy, unconditionalUpdate: false, createOnUpdate: true,
    columns: [NAME, field('Holder', 'spec.holderIdentity'), AGE],
  }),
  define({ group: RBAC, kind: 'ClusterRole', plural: 'clusterroles', namespaced: false, nameRule: 'pathSegment', schema: object({ rules, aggregationRule: anything }), strategy: ruleStrategy, columns: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp)] }),
  define({ group: RBAC, kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', namespaced: false, nameRule: 'pathSegment', schema: binding, strategy: bindingStrategy, columns: [NAME, column('Role', (of) => `${text(at(of, 'roleRef', 'kind'))}/${text(at(of, 'roleRef', 'name'))}`), AGE] }),
  define({ group: RBAC, kind: 'Role', plural: 'roles', nameRule: 'pathSegment', schema: object({ rules }), strategy: ruleStrategy, columns: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp)] }),
  define({ group: RBAC, kind: 'RoleBinding', plural: 'rolebindings', nameRule: 'pathSegment', schema: binding, strategy: bindingStrategy, columns: [NAME, column('Role', (of) => `${text(at(of, 'roleRef', 'kind'))}/${text(at(of, 'roleRef', 'name'))}`), AGE] }),
  define({
    group: 'apps', kind: 'DaemonSet', plural: 'daemonsets', shortNames: ['ds'], categories: ['all'], hasStatus: true, hasGeneration: true, schema: workload({}), strategy: workloadStrategy,
    columns: [NAME, ...['Desired:desiredNumberScheduled', 'Current:currentNumberScheduled', 'Ready:numberReady', 'Up-to-date:updatedNumberScheduled', 'Available:numberAvailable'].map((one) => {
      const [name = '', path = ''] = one.split(':');
      return column(name, (of) => number(of, 'status', path), { type: 'integer' });
    }), AGE],
  }),
  define({
    group: 'apps', kind: 'Deployment', plural: 'deployments', shortNames: ['deploy'], categories: ['all'], hasStatus: true, hasGeneration: true,
    schema: workload({ replicas: { ...integer, default: 1 } }), strategy: workloadStrategy,
    columns: [NAME, column('Ready', (of) => `${number(of, 'status', 'readyReplicas')}/${number(of, 'spec', 'replicas')}`),
      column('Up-to-date', (of) => number(of, 'status', 'updatedReplicas'), { type: 'integer' }), column('Available', (of) => number(of, 'status', 'availableReplicas'), { type: 'integer' }), AGE],
  }),
  define({ group: 'apps', kind: 'StatefulSet', plural: 'statefulsets', shortNames: ['sts'], categories: ['all'], hasStatus: true, hasGeneration: true, schema: workload({}), strategy: workloadStrategy }),
  define({ group: 'apps', kind: 'ReplicaSet', plural: 'replicasets', shortNames: ['rs'], categories: ['all'], hasStatus: true, hasGeneration: true, schema: workload({}), strategy: workloadStrategy }),
  define({ group: 'batch', kind: 'Job', plural: 'jobs', categories: ['all'], hasStatus: true, hasGeneration: true, schema: object({ spec: { ...anything, type: 'object', properties: { template: podTemplate } }, status: anything }) }),
  define({ group: 'policy', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', shortNames: ['pdb'], hasStatus: true, hasGeneration: true, schema: object({ spec: { ...anything, type: 'object', properties: { selector: labelSelector } }, status: { ...anything, type: 'object', properties: { conditions } } }) }),
  define({ group: 'scheduling.k8s.io', kind: 'PriorityClass', plural: 'priorityclasses', shortNames: ['pc'], namespaced: false, hasGeneration: true, schema: object({ value: integer, globalDefault: { type: 'boolean' }, description: string, preemptionPolicy: { ...string, default: 'PreemptLowerPriority' } }), columns: [NAME, column('Value', (of) => of['value'], { type: 'integer' }), column('Global-Default', (of) => of['globalDefault'] ?? false, { type: 'boolean' }), AGE] }),
  define({
    group: 'admissionregistration.k8s.io', kind: 'ValidatingWebhookConfiguration', plural: 'validatingwebhookconfigurations', namespaced: false, hasGeneration: true, unconditionalUpdate: false,
    schema: object({ webhooks: keyed(['name'], webhook) }), strategy: { validate: webhookErrors }, columns: [NAME, count('Webhooks', 'webhooks'), AGE],
  }),
  define({
    group: 'admissionregistration.k8s.io', kind: 'MutatingWebhookConfiguration', plural: 'mutatingwebhookconfigurations', namespaced: false, hasGeneration: true, unconditionalUpdate: false,
    schema: object({ webhooks: mergedBy('name', anything) }), columns: [NAME, count('Webhooks', 'webhooks'), AGE],
  }),
];

