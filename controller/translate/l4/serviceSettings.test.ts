import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../model/service.ts';
import { decodeAll } from '../testdata/manyObjects.ts';
import { readServiceSettings } from './serviceSettings.ts';

const [decoded] = decodeAll([{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'lb' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } }]);

function service(changes: Partial<Service>, annotations: Readonly<Record<string, string>> = {}): Service {
  assert.ok(decoded?.kind === 'Service');
  const prefixed = Object.entries(annotations).map(([name, value]) => [`gatehouse.dev/${name}`, value] as const);
  return { ...decoded, ...changes, metadata: { ...decoded.metadata, annotations: new Map(prefixed) } };
}

test('without source ranges everybody may come in; with ranges those, in canonical form and once', () => {
  assert.equal(readServiceSettings(service({})).settings.sourceRanges, null);
  const { settings, problems } = readServiceSettings(service({ loadBalancerSourceRanges: [' 10.0.0.0/08', '10.0.0.0/8', '2001:DB8::/32', '192.0.2.1'] }));
  assert.deepEqual(settings.sourceRanges, ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1/32']);
  assert.deepEqual(problems, []);
});

test('one source range that cannot be read keeps everybody out, and is named', () => {
  for (const bad of ['', 'x', '10.0.0.0/33', '10.0.0.0/8,192.0.2.0/24', '::1%lo']) {
    const { settings, problems } = readServiceSettings(service({ loadBalancerSourceRanges: ['192.0.2.0/24', bad] }));
    assert.deepEqual(settings.sourceRanges, [], bad);
    assert.deepEqual(problems.map(({ field, severity }) => [field, severity]), [['spec.loadBalancerSourceRanges[1]', 'error']]);
  }
});

test('a list of trusted PROXY senders that cannot be read keeps everybody out, also beside good source ranges', () => {
  const reading = readServiceSettings(service({ loadBalancerSourceRanges: ['192.0.2.0/24'] }, { 'accept-proxy-protocol': 'x' }));
  assert.deepEqual(reading.settings.sourceRanges, []);
  assert.equal(reading.problems.length, 1);
});

test('an annotation that is empty counts as absent, one that is too long is not read', () => {
  assert.deepEqual(readServiceSettings(service({}, { 'proxy-protocol': '' })).problems, []);
  const long = readServiceSettings(service({}, { 'idle-timeout': '1'.repeat(5000) }));
  assert.match(long.problems[0]?.rule ?? '', /at most 4096 characters/);
  assert.deepEqual(long.settings.idleTimeoutMs, { tcp: 600_000, udp: 60_000 });
});

test('ClientIP affinity lasts as long as the Service says', () => {
  const sticky = service({ sessionAffinity: 'ClientIP', sessionAffinityTimeoutSeconds: 10_800 });
  assert.equal(readServiceSettings(sticky).settings.affinityTimeoutMs, 10_800_000);
  assert.equal(readServiceSettings(service({})).settings.affinityTimeoutMs, null);
});
