import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reviewObject } from './review.ts';
import { clusterOf, raw, rawIngress, requestOf, review, shortly, type Raw } from './testing/cluster.ts';

const NOTHING = { allowed: true, problems: [], warnings: [] };
const PREFIX = 'nginx.ingress.kubernetes.io/';

function annotated(annotations: Readonly<Record<string, string>>, more: Readonly<Record<string, unknown>> = {}): Raw {
  return rawIngress('shop/web', ['shop.example /'], { annotations, ...more });
}

const BAD_TIMEOUT = { [`${PREFIX}proxy-connect-timeout`]: 'soon' };

test('An Ingress without faults is allowed without a word', () => {
  assert.deepEqual(review(clusterOf([]), rawIngress('shop/web', ['shop.example /'])), NOTHING);
});

test('A bad annotation is denied by the rule that translation has for it', () => {
  const { allowed, problems } = review(clusterOf([]), annotated(BAD_TIMEOUT));
  assert.equal(allowed, false);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /^metadata\.annotations\[nginx\.ingress\.kubernetes\.io\/proxy-connect-timeout\]: must be/);
});

test('An annotation that protects and is not supported is denied; one that has no effect is a warning', () => {
  const denied = review(clusterOf([]), annotated({ [`${PREFIX}whitelist-source-range`]: '10.0.0.0/8' }));
  assert.match(denied.problems.join(), /restricts access/);
  const warned = review(clusterOf([]), annotated({ [`${PREFIX}mirror-host`]: 'x' }));
  assert.equal(warned.allowed, true);
  assert.match(warned.warnings.join(), /not supported yet/);
});

test('All faults are listed at once: annotations, paths and backends', () => {
  const object = annotated(BAD_TIMEOUT);
  const spec = { ingressClassName: 'gatehouse', rules: [{ host: 'a.example', http: { paths: [{ path: 'x', pathType: 'Prefix', backend: {} }] } }] };
  const { problems } = review(clusterOf([]), { ...object, spec });
  assert.ok(problems.length >= 3, problems.join('\n'));
});

test('An Ingress of a foreign class is allowed whatever it says, even when it cannot be decoded', () => {
  const context = clusterOf([raw('IngressClass', 'other', { controller: 'example.com/other' })]);
  const bad = { ingressClassName: 'other', rules: [{ host: 'Bad_Host', http: { paths: [] } }] };
  assert.deepEqual(review(context, raw('Ingress', 'shop/web', bad, { annotations: BAD_TIMEOUT })), NOTHING);
  assert.deepEqual(review(context, raw('Ingress', 'shop/web', { ...bad, rules: 'none' })), NOTHING);
});

test('Ours is judged even when its shape is so wrong that nothing of it could be served', () => {
  const { allowed, problems } = review(clusterOf([]), raw('Ingress', 'shop/web', { ingressClassName: 'gatehouse', rules: 'none' }));
  assert.equal(allowed, false);
  assert.deepEqual(problems, ['spec.rules: must be a list']);
});

test('An Ingress outside the watched namespaces is none of ours', () => {
  const context = clusterOf([], { watchNamespaces: ['other'] });
  assert.deepEqual(review(context, annotated(BAD_TIMEOUT)), NOTHING);
});

test('A host and path that another Ingress has is denied, naming it; other paths and canaries are not', () => {
  const context = clusterOf([rawIngress('shop/first', ['shop.example /', 'shop.example /cart'])]);
  const { problems } = review(context, rawIngress('shop/second', ['shop.example /cart/', 'shop.example /about']));
  assert.deepEqual(problems, [
    'spec.rules[0].http.paths[0]: host, path and type must not be those of an older Ingress; Ingress shop/first has them',
  ]);
  assert.deepEqual(review(context, rawIngress('shop/second', ['shop.example /about', 'other.example /'])), NOTHING);
  const canary = { annotations: { [`${PREFIX}canary`]: 'true', [`${PREFIX}canary-weight`]: '10' } };
  assert.deepEqual(review(context, rawIngress('shop/canary', ['shop.example /cart'], canary)), NOTHING);
});

test('Even an Ingress with an older timestamp may not take what another has; who has it may be updated', () => {
  const first = rawIngress('shop/first', ['shop.example /'], { creationTimestamp: '2026-01-05T00:00:00Z' });
  const context = clusterOf([first]);
  const old = rawIngress('shop/second', ['else.example /'], { creationTimestamp: '2026-01-01T00:00:00Z' });
  const taking = rawIngress('shop/second', ['shop.example /'], { creationTimestamp: '2026-01-01T00:00:00Z' });
  assert.equal(review(context, taking, old).allowed, false);
  assert.deepEqual(review(context, rawIngress('shop/first', ['shop.example /', 'new.example /']), first), NOTHING);
});

test('A fault that was there before is a warning, also where its place in the list has changed; a new one is denied', () => {
  const old = annotated(BAD_TIMEOUT);
  const extended: Raw = { ...rawIngress('shop/web', ['new.example /', 'shop.example /'], { annotations: BAD_TIMEOUT }) };
  const kept = review(clusterOf([old]), extended, old);
  assert.equal(kept.allowed, true);
  assert.match(kept.warnings.join(), /proxy-connect-timeout/);
  const added = review(clusterOf([old]), annotated({ ...BAD_TIMEOUT, [`${PREFIX}proxy-read-timeout`]: 'never' }), old);
  assert.equal(added.allowed, false);
  assert.equal(added.problems.length, 1);
  assert.match(added.problems[0] ?? '', /proxy-read-timeout/);
});

test('An Ingress that becomes ours brings all its faults', () => {
  const context = clusterOf([raw('IngressClass', 'other', { controller: 'example.com/other' })]);
  const old = annotated(BAD_TIMEOUT);
  const foreign: Raw = { ...old, spec: { ...(old['spec'] as object), ingressClassName: 'other' } };
  assert.equal(review(context, old, foreign).allowed, false);
});

test('Labels, owners and finalizers may always change, statuses too, and what is being deleted is let go', () => {
  const old = annotated(BAD_TIMEOUT);
  assert.deepEqual(review(clusterOf([]), annotated(BAD_TIMEOUT, { labels: { a: 'b' }, finalizers: [] }), old), NOTHING);
  assert.deepEqual(review(clusterOf([]), annotated(BAD_TIMEOUT, { deletionTimestamp: '2026-01-01T00:00:00Z' }), rawIngress('shop/web', ['a.example /'])), NOTHING);
  assert.deepEqual(shortly(reviewObject(requestOf(old, null, { subResource: 'status' }), clusterOf([]))), NOTHING);
  assert.deepEqual(review(clusterOf([]), null, old), NOTHING);
});

test('Kinds that are not ours, and one of our kinds in a foreign group, are allowed', () => {
  assert.deepEqual(review(clusterOf([]), { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }), NOTHING);
  const foreign = { ...raw('IPAddressPool', 'metallb-system/a', { addresses: ['nonsense'] }), apiVersion: 'metallb.io/v1beta1' };
  assert.deepEqual(review(clusterOf([]), foreign), NOTHING);
});

test('Values that are no objects at all are allowed: the API server refuses them by itself', () => {
  for (const object of [null, 3, 'text', [], {}, { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' }]) {
    const request = { operation: 'CREATE', group: 'networking.k8s.io', kind: 'Ingress', subResource: '', object, oldObject: undefined } as const;
    assert.deepEqual(shortly(reviewObject(request, clusterOf([]))), NOTHING);
  }
});

test('Judging an Ingress among ten thousand looks up its own paths only', () => {
  const context = clusterOf(Array.from({ length: 10_000 }, (_, index) => rawIngress(`ns/i${index}`, [`h${index}.example /`])));
  let lookups = 0;
  let walks = 0;
  const { hosts, objects } = context;
  assert.ok(hosts !== null);
  const counted = {
    ...context,
    hosts: new Proxy(hosts, {
      get: (target, key) => {
        lookups += 1;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
    objects: {
      get: objects.get.bind(objects),
      slicesOf: objects.slicesOf.bind(objects),
      list: ((kind: 'Ingress') => {
        if (kind === 'Ingress') walks += 1;
        return objects.list(kind);
      }) as typeof objects.list,
    },
  };
  assert.equal(review(counted, rawIngress('ns/new', ['h77.example /', 'h78.example /', 'fresh.example /'])).allowed, false);
  assert.equal(lookups, 3);
  assert.equal(walks, 0);
});

const IMPOSSIBLE = { annotations: { 'metallb.io/loadBalancerIPs': '198.51.100.1', 'gatehouse.dev/max-connections': 'many' } };
const PORTS = { type: 'LoadBalancer', ports: [{ port: 80 }] };

test('A Service of type LoadBalancer is never denied: what is wrong and what cannot be met are warnings', () => {
  const context = clusterOf([raw('IPAddressPool', 'gatehouse/a', { addresses: ['192.0.2.0/28'] })]);
  const { allowed, warnings } = review(context, raw('Service', 'shop/web', PORTS, IMPOSSIBLE));
  assert.equal(allowed, true);
  assert.equal(warnings.length, 2, warnings.join('\n'));
  assert.match(warnings.join('\n'), /must be in an IPAddressPool/);
});

test('A Service that asks for an address in a pool, and one of another class or type, are allowed without a word', () => {
  const context = clusterOf([raw('IPAddressPool', 'gatehouse/a', { addresses: ['192.0.2.0/28'] })]);
  const asks = { annotations: { 'metallb.io/loadBalancerIPs': '192.0.2.3' } };
  assert.deepEqual(review(context, raw('Service', 'shop/web', PORTS, asks)), NOTHING);
  assert.deepEqual(review(context, raw('Service', 'shop/web', { ...PORTS, loadBalancerClass: 'example.com/lb' }, IMPOSSIBLE)), NOTHING);
  assert.deepEqual(review(context, raw('Service', 'shop/web', { ...PORTS, type: 'ClusterIP' }, IMPOSSIBLE)), NOTHING);
});
