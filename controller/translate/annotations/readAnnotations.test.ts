import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ingress } from '../../model/ingress.ts';
import { CANARY } from './canaryRows.ts';
import { readAnnotations } from './readAnnotations.ts';
import { PROXY } from './routeRows.ts';

function ingress(annotations: Readonly<Record<string, string>>): Ingress {
  return {
    kind: 'Ingress',
    metadata: { name: 'web', namespace: 'shop', labels: new Map(), annotations: new Map(Object.entries(annotations)), createdAtMs: null, uid: '', resourceVersion: '' },
    origin: {
      position: { file: 'web.yaml', line: 1 },
      locate: (field) => ({ file: 'web.yaml', line: field.includes('canary-weight') ? 7 : 1 }),
    },
    statusLoadBalancer: [],
    ingressClassName: null,
    defaultBackend: null,
    rules: [],
    tls: [],
  };
}

test('an absent annotation has the default of its row', () => {
  const { values, problems } = readAnnotations(ingress({}));
  assert.equal(values.get(CANARY.weightTotal), 100);
  assert.equal(values.get(PROXY.readTimeout), null);
  assert.equal(values.has(CANARY.weightTotal), false);
  assert.deepEqual(problems, []);
});

test('a bad value leaves the default and names line, field, rule and value', () => {
  const { values, problems } = readAnnotations(ingress({ 'nginx.ingress.kubernetes.io/canary-weight': 'lots' }));
  assert.equal(values.get(CANARY.weight), 0);
  assert.deepEqual(problems, [
    {
      severity: 'error',
      object: { kind: 'Ingress', namespace: 'shop', name: 'web' },
      position: { file: 'web.yaml', line: 7 },
      field: 'metadata.annotations[nginx.ingress.kubernetes.io/canary-weight]',
      rule: 'must be a whole number of 32 bits at most',
      value: '"lots"',
      effect: 'the default 0 is used',
    },
  ]);
});

test('a bad value of the own prefix does not bring the other one back', () => {
  const { values } = readAnnotations(
    ingress({ 'gatehouse.dev/canary-weight': 'lots', 'nginx.ingress.kubernetes.io/canary-weight': '50' }),
  );
  assert.equal(values.get(CANARY.weight), 0);
});

test('a value of any length is cut in its problem and never parsed', () => {
  const text = '9'.repeat(1_000_000);
  const { problems } = readAnnotations(ingress({ 'gatehouse.dev/canary-weight': text }));
  assert.equal(problems[0]?.rule, 'must have at most 4096 characters');
  assert.ok((problems[0]?.value.length ?? 0) <= 120);
});

test('the value of an access rule is not shown, as it may hold credentials', () => {
  const { denial, problems } = readAnnotations(ingress({ 'nginx.ingress.kubernetes.io/auth-url': 'https://user:secret@a.test' }));
  assert.equal(denial?.scope, 'ingress');
  assert.ok(!JSON.stringify([denial, problems]).includes('secret'));
});

test('ten thousand unknown annotations take no ten thousand searches for a nearest name', () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, number) => [`gatehouse.dev/proxy-read-timeou${number}`, 'x']));
  const { problems } = readAnnotations(ingress(many));
  assert.equal(problems.length, 10_000);
  assert.ok(problems.filter(({ rule }) => rule.includes('did you mean')).length <= 20);
});

test('annotations of other owners are nobody\'s business here', () => {
  assert.deepEqual(readAnnotations(ingress({ 'kubernetes.io/ingress.class': 'x', 'nginx.org/proxy': 'y', 'gatehouse.dev/': '' })).problems, []);
});
