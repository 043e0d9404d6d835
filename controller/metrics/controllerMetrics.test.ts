import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { ControllerMetrics } from './controllerMetrics.ts';
import { parseExposition } from './parseExposition.ts';
import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { Problem } from '../../core/ir/problem.ts';

function start() {
  const registry = new Registry();
  const metrics = new ControllerMetrics(registry);
  const read = async (name: string): Promise<readonly (readonly [string, number])[]> =>
    (parseExposition(await registry.metrics()).get(name)?.samples ?? []).map(({ labels, value }) => [
      [...labels.values()].join('/'),
      value,
    ]);
  return { metrics, read };
}

const problem: Problem = { severity: 'error', object: null, position: null, field: '', rule: '', value: '', effect: '' };
const certificate = (key: string, notAfterMs: number) => ({ key: key as CertificateKey, notAfterMs });

test('objects by kind are replaced as a whole and problems are counted by severity', async () => {
  const { metrics, read } = start();
  metrics.setObjects(new Map([['Ingress', 3], ['Service', 2]]));
  metrics.setObjects(new Map([['Ingress', 4]]));
  metrics.setProblems([problem, { ...problem, severity: 'warning' }, problem]);
  assert.deepEqual(await read('gatehouse_controller_objects'), [['Ingress', 4]]);
  assert.deepEqual(await read('gatehouse_controller_problems'), [['error', 2], ['warning', 1]]);
});

test('generations, durations and restarts are shown', async () => {
  const { metrics, read } = start();
  metrics.setGeneration(7);
  metrics.setAppliedGeneration(6);
  metrics.observeTranslate(3);
  metrics.observeApply(40);
  metrics.proxyRestarted();
  assert.deepEqual(await read('gatehouse_controller_generation'), [['', 7]]);
  assert.deepEqual(await read('gatehouse_controller_applied_generation'), [['', 6]]);
  assert.deepEqual(await read('gatehouse_controller_proxy_restarts_total'), [['', 1]]);
  const translate = await read('gatehouse_controller_translate_duration_seconds');
  assert.ok(translate.some(([labels, value]) => labels === '0.005' && value === 1));
});

test('certificates show when they end, at most a thousand, the first to expire', async () => {
  const { metrics, read } = start();
  metrics.setCertificates([certificate('default', 3000), certificate('shop/tls', 1000)], 2000);
  assert.deepEqual(await read('gatehouse_certificate_expiry_timestamp_seconds'), [['shop/tls', 1], ['/default', 3]]);
  assert.deepEqual(await read('gatehouse_certificates_expired'), [['', 1]]);
  metrics.setCertificates(Array.from({ length: 3000 }, (_, index) => certificate(`a/${index}`, 3_000_000 - index)), 0);
  const shown = await read('gatehouse_certificate_expiry_timestamp_seconds');
  assert.equal(shown.length, 1000);
  assert.equal(shown[0]?.[0], 'a/2999');
});
