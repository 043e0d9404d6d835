import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmptyDelta, diffSnapshots } from '../../core/ir/delta.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { Snapshot } from '../../core/ir/snapshot.ts';
import type { KubeObject } from '../model/objects.ts';
import { ObjectStore } from '../model/store.ts';
import { decodeAll, healthyShop, ingressValue } from './testdata/manyObjects.ts';
import { CASE_OPTIONS } from './testdata/readCase.ts';
import { translate } from './translate.ts';

const HEALTHY = 5000;
const nginx = (name: string): string => `nginx.ingress.kubernetes.io/${name}`;
const healthy = decodeAll(Array.from({ length: HEALTHY }, (_, number) => healthyShop(number)).flat());

function translateAll(extra: readonly KubeObject[]): { snapshot: Snapshot; problems: readonly Problem[] } {
  const store = new ObjectStore();
  store.apply({ upserts: [...healthy, ...extra], deletes: [] });
  return translate(store, CASE_OPTIONS);
}

const backend = { service: { name: 'shop-1', port: { number: 80 } } };
function rules(host: string, service: unknown = backend, path = '/'): unknown {
  return { rules: [{ host, http: { paths: [{ path, pathType: 'Prefix', backend: service }] } }] };
}

/** form → manifests of one bad object, and what it needs beside it. */
const BAD: ReadonlyMap<string, readonly unknown[]> = new Map([
  ['a canary pattern that is no RE2', [ingressValue('bad', rules('shop-1.test'), {
    [nginx('canary')]: 'true', [nginx('canary-by-header')]: 'x', [nginx('canary-by-header-pattern')]: '(a+)+\\1',
  })]],
  ['annotation values of every kind that break their rules', [ingressValue('bad', rules('bad.test'), Object.fromEntries(
    ['load-balance', 'upstream-hash-by', 'affinity', 'proxy-read-timeout', 'proxy-body-size', 'proxy-next-upstream'].map((name) => [nginx(name), '\u0000$(x)\u202e']),
  ))]],
  ['an unknown annotation', [ingressValue('bad', rules('bad.test'), { [nginx('no-such-thing')]: 'x' })]],
  ['a missing Secret', [ingressValue('bad', { ...(rules('bad.test') as object), tls: [{ hosts: ['bad.test'], secretName: 'gone' }] })]],
  ['a Secret without a certificate', [
    ingressValue('bad', { ...(rules('bad.test') as object), tls: [{ hosts: ['bad.test'], secretName: 'bad' }] }),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'bad' }, type: 'kubernetes.io/tls', stringData: { 'tls.crt': 'x', 'tls.key': 'y' } },
  ]],
  ['a missing Service', [ingressValue('bad', rules('bad.test', { service: { name: 'gone', port: { number: 80 } } }))]],
  ['a missing port', [ingressValue('bad', rules('bad.test', { service: { name: 'shop-1', port: { number: 9 } } }))]],
  ['a resource backend', [ingressValue('bad', rules('bad.test', { resource: { kind: 'Bucket', name: 'x' } }))]],
  ['a Service without endpoints', [
    ingressValue('bad', rules('bad.test', { service: { name: 'bad', port: { number: 80 } } })),
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'bad' }, spec: { ports: [{ port: 80 }] } },
  ]],
  ['a host and path of somebody else', [ingressValue('zzz-bad', rules('shop-1.test'))]],
  ['an annotation that asks for access control', [ingressValue('bad', rules('bad.test'), { [nginx('auth-url')]: 'https://x' })]],
  ['client certificates by a missing Secret', [ingressValue('bad', rules('bad.test'), { [nginx('auth-tls-secret')]: 'default/gone' })]],
  ['client certificates for a host of somebody else, demanded in a way nobody understands', [ingressValue('zzz-bad', rules('zzz.bad.test'), {
    [nginx('auth-tls-secret')]: '\u0000', [nginx('auth-tls-verify-client')]: 'x', [nginx('auth-tls-match-cn')]: 'CN=(a+)+\\1',
  })]],
  ['backend TLS by a missing Secret', [ingressValue('bad', rules('bad.test'), {
    [nginx('backend-protocol')]: 'HTTPS', [nginx('proxy-ssl-verify')]: 'on', [nginx('proxy-ssl-secret')]: 'default/gone',
  })]],
  ['TLS passthrough for a host of somebody else', [ingressValue('zzz-bad', rules('shop-1.test'), { [nginx('ssl-passthrough')]: 'true' })]],
  ['TLS passthrough without a host', [ingressValue('bad', { defaultBackend: backend }, { [nginx('ssl-passthrough')]: 'true' })]],
  ['a class that exists nowhere', [ingressValue('bad', { ...(rules('bad.test') as object), ingressClassName: 'gone' })]],
  ['a value of 200,000 characters', [ingressValue('bad', rules('bad.test'), { [nginx('canary-by-header-value')]: 'x'.repeat(200_000) })]],
  ['five thousand rules, half of them twice', [ingressValue('bad', {
    rules: Array.from({ length: 5000 }, (_, number) => (rules(`r-${number % 2500}.bad.test`) as { rules: unknown[] }).rules[0]),
  })]],
  ['names from the prototype chain', [ingressValue('constructor', rules('__proto__', backend, '/__proto__'), { 'gatehouse.dev/constructor': 'x' })]],
  ['a LoadBalancer Service that asks for an address of nobody', [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'bad' }, spec: { type: 'LoadBalancer', loadBalancerIP: '192.0.2.1', ports: [{ port: 80 }] } },
  ]],
  ['an L4 canary of a Service that Ingresses use', [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'bad', annotations: { 'gatehouse.dev/canary-of': 'shop-1', 'gatehouse.dev/canary-weight': '100' } }, spec: { ports: [{ port: 80 }] } },
  ]],
  ['a weight out of range', [
    ...healthyShop(HEALTHY),
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports: [], endpoints: [],
      metadata: { name: 'bad', labels: { 'kubernetes.io/service-name': `shop-${HEALTHY}` }, annotations: { 'gatehouse.dev/weight': '0' } } },
  ]],
]);

const baseline = translateAll([]);

test('5000 healthy Ingresses translate without a problem', () => {
  assert.deepEqual(baseline.problems, []);
  assert.equal(baseline.snapshot.virtualHosts.size, HEALTHY);
  assert.equal(baseline.snapshot.clusters.size, HEALTHY);
});

for (const [form, values] of BAD) {
  test(`${form} is a problem and leaves 5000 healthy Ingresses as they are`, () => {
    const { snapshot, problems } = translateAll(decodeAll(values));
    assert.ok(problems.length > 0 && problems.length <= 101, `${problems.length} problems`);
    // A canary may stand beside a healthy route; nothing else of it may differ.
    const withoutCanaries: Snapshot = {
      ...snapshot,
      virtualHosts: new Map([...snapshot.virtualHosts].filter(([host]) => baseline.snapshot.virtualHosts.has(host)).map(([host, virtualHost]) => [
        host,
        { host, routes: virtualHost.routes.map((route) =>
          route.action.type === 'forward' ? { ...route, action: { ...route.action, canaries: [] } } : route) },
      ])),
      clusters: new Map([...snapshot.clusters].filter(([key]) => baseline.snapshot.clusters.has(key))),
    };
    assert.ok(isEmptyDelta(diffSnapshots(baseline.snapshot, withoutCanaries, 2)));
  });
}

test('a translation of unchanged objects gives an equal snapshot', () => {
  assert.ok(isEmptyDelta(diffSnapshots(baseline.snapshot, translateAll([]).snapshot, 2)));
});
