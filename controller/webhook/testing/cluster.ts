import assert from 'node:assert/strict';
import { decodeObject } from '../../decode/decodeObject.ts';
import { ObjectStore } from '../../model/store.ts';
import { planIngress } from '../../translate/steps/planIngress.ts';
import { readSettings } from '../../translate/steps/readSettings.ts';
import { resolveClaims } from '../../translate/steps/resolveClaims.ts';
import { selectIngresses } from '../../translate/steps/selectIngresses.ts';
import { CASE_OPTIONS } from '../../translate/testdata/readCase.ts';
import type { TranslateOptions } from '../../translate/translation.ts';
import { reviewObject } from '../review.ts';
import type { Review, ReviewContext, ReviewRequest } from '../reviewInput.ts';

/** For tests: an object as an API server sends it. */
export type Raw = Readonly<Record<string, unknown>>;

const API_VERSIONS: ReadonlyMap<string, string> = new Map([
  ['Ingress', 'networking.k8s.io/v1'],
  ['IngressClass', 'networking.k8s.io/v1'],
  ['Service', 'v1'],
  ['Node', 'v1'],
]);

/** For tests: an object by kind and `namespace/name` (`name` for cluster-scoped ones). */
export function raw(kind: string, key: string, spec: unknown, metadata: Readonly<Record<string, unknown>> = {}): Raw {
  const [first = '', second] = key.split('/');
  const place = second === undefined ? { name: first } : { namespace: first, name: second };
  const apiVersion = API_VERSIONS.get(kind) ?? 'gatehouse.dev/v1';
  return { apiVersion, kind, metadata: { ...place, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata }, spec };
}

/** For tests: an Ingress of `host path` rules. */
export function rawIngress(key: string, rules: readonly string[], metadata: Readonly<Record<string, unknown>> = {}): Raw {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const spec = {
    ingressClassName: 'gatehouse',
    rules: rules.map((rule) => {
      const [host, path] = rule.split(' ');
      return { host, http: { paths: [{ path, pathType: 'Prefix', backend }] } };
    }),
  };
  return raw('Ingress', key, spec, metadata);
}

/** For tests: a cluster of these objects, its Ingresses resolved as translation does. */
export function clusterOf(objects: readonly Raw[], options: Partial<TranslateOptions> = {}): ReviewContext {
  const store = new ObjectStore();
  const decoded = objects.map((value) => {
    const { object, problems } = decodeObject(value, null);
    assert.ok(object !== null, JSON.stringify(problems));
    return object;
  });
  store.apply({ upserts: decoded, deletes: [] });
  const all: TranslateOptions = { ...CASE_OPTIONS, ...options };
  const { defaults } = readSettings(store, all);
  const plans = selectIngresses(store, all).selected.map(({ ingress }) => planIngress(ingress, defaults));
  return { objects: store, options: all, hosts: resolveClaims(plans).hosts };
}

/** For tests: the request that makes `object` of `oldObject`; null stands for none. */
export function requestOf(object: Raw | null, oldObject: Raw | null, more: Partial<ReviewRequest> = {}): ReviewRequest {
  const some = object ?? oldObject ?? {};
  const apiVersion = String(some['apiVersion']);
  return {
    operation: object === null ? 'DELETE' : oldObject === null ? 'CREATE' : 'UPDATE',
    group: apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '',
    kind: String(some['kind']),
    subResource: '',
    object: object ?? undefined,
    oldObject: oldObject ?? undefined,
    ...more,
  };
}

/** For tests: a verdict in short, each problem as `field: rule`. */
export interface Verdict {
  readonly allowed: boolean;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** For tests: reviews a change. */
export function review(context: ReviewContext, object: Raw | null, oldObject: Raw | null = null): Verdict {
  return shortly(reviewObject(requestOf(object, oldObject), context));
}

/** For tests: a verdict in short. */
export function shortly({ allowed, problems, warnings }: Review): Verdict {
  const text = ({ field, rule }: Review['problems'][number]): string => `${field}: ${rule}`;
  return { allowed, problems: problems.map(text), warnings: warnings.map(text) };
}
