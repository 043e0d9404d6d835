import { randomUUID } from 'node:crypto';
import { ApiError, internalError } from '../apiError.ts';
import { at, isRecord, list, record, records, text, type JsonObject, type KubeObject } from '../json.ts';
import { apiVersionOf, present } from '../resourceType.ts';
import type { Storage } from '../storage/storage.ts';
import type { AdmissionRequest } from '../verbs/engine.ts';
import { callWebhook } from './callWebhook.ts';
import { matchesLabelSelector } from './labelSelector.ts';

const TABLE = 'admissionregistration.k8s.io/validatingwebhookconfigurations';

/**
 * Asks all ValidatingWebhookConfigurations that match, as the API server does: all at once, refusing by the first refusal. Throws
 * the refusal, or 500 for a webhook that cannot be asked and has failurePolicy Fail.
 */
export async function admitByWebhooks(storage: Storage, services: ReadonlyMap<string, string>, request: AdmissionRequest): Promise<void> {
  // Webhooks are never asked about webhooks, so that a broken one can be repaired.
  if (request.target.type.group === 'admissionregistration.k8s.io') return;
  const webhooks = storage.list(TABLE, '').flatMap((configuration) => records(configuration['webhooks']));
  const versions = webhooks.map((webhook) => ({ webhook, version: matchingVersion(webhook, request) }));
  const asked = versions.filter(({ webhook, version }) => version !== null && isSelected(storage, webhook, request));
  await Promise.all(asked.map(async ({ webhook, version }) => await ask(webhook, version ?? '', { services, request })));
}

/** The version the webhook wants to see the object in; null: no rule matches. */
function matchingVersion(webhook: JsonObject, { target, operation }: AdmissionRequest): string | null {
  const { type, version, subresource } = target;
  const has = (rule: JsonObject, field: string, value: string): boolean => list(rule[field]).some((one) => one === '*' || one === value);
  const combined = subresource === '' ? type.plural : `${type.plural}/${subresource}`;
  const matches = (rule: JsonObject, wanted: string): boolean => {
    const isResource = list(rule['resources']).map(text).some((one) => one === combined || one === '*/*' || (one === '*' && subresource === '') ||
      one === `${type.plural}/*` || (subresource !== '' && one === `*/${subresource}`));
    const scope = rule['scope'] ?? '*';
    const inScope = scope === '*' || (scope === 'Namespaced') === (type.namespaced);
    return isResource && inScope && has(rule, 'operations', operation) && has(rule, 'apiGroups', type.group) && has(rule, 'apiVersions', wanted);
  };
  const rules = records(webhook['rules']);
  if (rules.some((rule) => matches(rule, version))) return version;
  if (webhook['matchPolicy'] === 'Exact') return null;
  return type.versions.map(({ name }) => name).find((name) => rules.some((rule) => matches(rule, name))) ?? null;
}

function isSelected(storage: Storage, webhook: JsonObject, { target, object, old }: AdmissionRequest): boolean {
  const bySelf = [object, old].some((one) => one !== null && matchesLabelSelector(webhook['objectSelector'], one.metadata.labels ?? {}));
  if (!bySelf) return false;
  if (target.type.kind === 'Namespace') return matchesLabelSelector(webhook['namespaceSelector'], (object ?? old)?.metadata.labels ?? {});
  if (!target.type.namespaced) return true;
  return matchesLabelSelector(webhook['namespaceSelector'], storage.get('/namespaces', target.namespace)?.metadata.labels ?? {});
}

async function ask(webhook: JsonObject, version: string, { services, request }: { readonly services: ReadonlyMap<string, string>; readonly request: AdmissionRequest }): Promise<void> {
  const name = text(webhook['name']);
  let answer: JsonObject;
  try {
    const review = reviewOf(version, request);
    answer = await callWebhook(record(webhook['clientConfig']), services, review, Number(webhook['timeoutSeconds'] ?? 10) * 1000);
    checkAnswer(answer, text(at(review, 'request', 'uid')));
  } catch (error) {
    if (webhook['failurePolicy'] === 'Ignore') return;
    throw internalError(`failed calling webhook ${JSON.stringify(name)}: failed to call webhook: ${error instanceof Error ? error.message : String(error)}`);
  }
  for (const warning of list(at(answer, 'response', 'warnings'))) request.options.warn(text(warning));
  if (at(answer, 'response', 'allowed') !== true) throw denied(name, record(at(answer, 'response', 'status')));
}

function checkAnswer(answer: JsonObject, uid: string): void {
  if (answer['kind'] !== 'AdmissionReview') throw new Error(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${text(answer['kind'])}`);
  if (at(answer, 'response', 'uid') !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(at(answer, 'response', 'uid'))}`);
  if (!isRecord(answer['response'])) throw new Error('webhook response was absent');
}

function denied(webhook: string, status: JsonObject): ApiError {
  const why = text(status['message']) || text(status['reason']);
  const message = `admission webhook ${JSON.stringify(webhook)} denied the request${why === '' ? ' without explanation' : `: ${why}`}`;
  const code = Number(status['code'] ?? 0);
  return new ApiError(code >= 400 ? code : 400, text(status['reason']), message, isRecord(status['details']) ? status['details'] : undefined);
}

function reviewOf(version: string, { target, operation, object, old, options }: AdmissionRequest): JsonObject {
  const { type, namespace, name, subresource } = target;
  const show = (one: KubeObject | null): unknown => (one === null ? null : { ...present(type, version, one), apiVersion: apiVersionOf(type, version), kind: type.kind });
  const kind = { group: type.group, version, kind: type.kind };
  const resource = { group: type.group, version, resource: type.plural };
  const kindOfOptions = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' }[operation];
  return {
    kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: randomUUID(), kind, resource, ...(subresource === '' ? {} : { subResource: subresource, requestSubResource: subresource }),
      requestKind: { ...kind, version: target.version }, requestResource: { ...resource, version: target.version },
      ...(name === '' ? {} : { name }), ...(namespace === '' ? {} : { namespace }), operation,
      userInfo: { username: options.caller.name, groups: options.caller.groups },
      object: show(object), oldObject: show(old), dryRun: options.dryRun,
      options: { kind: kindOfOptions, apiVersion: 'meta.k8s.io/v1', ...(operation === 'DELETE' ? {} : { fieldManager: options.fieldManager }) },
    },
  };
}
