import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeObject } from '../../decode/decodeObject.ts';
import type { L2Advertisement } from '../../model/advertisements.ts';
import type { Service } from '../../model/service.ts';
import { ObjectStore } from '../../model/store.ts';
import { chooseLeases, MAX_VIP_LEASES } from './chooseLeases.ts';

function object(kind: string, name: string, spec: object, second = 0): unknown {
  const apiVersion = kind === 'Service' ? 'v1' : 'gatehouse.dev/v1';
  return { apiVersion, kind, metadata: { name, namespace: 'default', creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString() }, spec };
}

function advertisement(name: string, spec: object): L2Advertisement {
  const { object: decoded } = decodeObject(object('L2Advertisement', name, spec), null);
  if (decoded?.kind !== 'L2Advertisement') throw new Error(`${name} cannot be read`);
  return decoded;
}

/** Younger with each second. */
function service(second: number): Service {
  const { object: decoded } = decodeObject(object('Service', `web-${second}`, { type: 'LoadBalancer', ports: [{ port: 80 }] }, second), null);
  if (decoded?.kind !== 'Service') throw new Error('it cannot be read');
  return decoded;
}

const LEASED = advertisement('leased', { ownership: 'lease' });
const HERE = { leaseRefusal: null, kernelRefusal: null };

function objects(...advertisements: readonly L2Advertisement[]): ObjectStore {
  const store = new ObjectStore();
  store.apply({ upserts: advertisements, deletes: [] });
  return store;
}

function choose(count: number, advertisements: readonly L2Advertisement[], options: Parameters<typeof chooseLeases>[2] = HERE) {
  // The oldest Services have the highest addresses.
  const byAddress = Array.from({ length: count }, (_, index) => [`10.0.0.${index}`, [{ service: service(count - index), advertisements }]] as const);
  const { kept, problems } = chooseLeases(new Map(byAddress), objects(...advertisements), options);
  return { kept, problems: problems.map(({ severity, object: of, field, rule, effect }) => `${severity} ${of?.name} ${field} ${rule}: ${effect}`) };
}

test('VIPs of an advertisement that asks for it have Leases, others have none', () => {
  assert.deepEqual(choose(2, [LEASED]), { kept: new Set(['10.0.0.1', '10.0.0.0']), problems: [] });
  assert.deepEqual(choose(2, [advertisement('plain', {})]), { kept: new Set(), problems: [] });
});

test('there are so many Leases and no more, and the oldest Services come first', () => {
  const { kept, problems } = choose(MAX_VIP_LEASES + 5, [LEASED]);
  assert.equal(kept.size, MAX_VIP_LEASES);
  for (let index = 0; index < 5; index += 1) assert.ok(!kept.has(`10.0.0.${index}`));
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /^error leased spec.ownership asks for more than 100 Leases.*: nobody answers for 10.0.0.4, 10.0.0.3, 10.0.0.2 and 2 more/);
});

test('where no Leases are kept, no VIP that needs one has one, and the advertisement says why', () => {
  const refused = choose(1, [LEASED], { ...HERE, leaseRefusal: '--vip-leases is not given' });
  assert.deepEqual(refused, {
    kept: new Set(), problems: ['error leased spec.ownership cannot be carried out here: --vip-leases is not given: this node answers for none of its addresses'],
  });
  assert.deepEqual(choose(1, [LEASED], { leaseRefusal: 'x', kernelRefusal: '--vips off is given' }), { kept: new Set(), problems: [] });
});

test('one holder answers all clients of a VIP that another advertisement shares among them', () => {
  const { kept, problems } = choose(1, [LEASED, advertisement('shared', { sharing: 'perClient' })]);
  assert.equal(kept.size, 1);
  assert.deepEqual(problems, [
    'warning shared spec.sharing cannot be perClient for 10.0.0.0, for which another L2Advertisement asks for a Lease: the holder of the Lease answers all clients',
  ]);
});

test('an advertisement cannot ask for both', () => {
  const { object: decoded, problems } = decodeObject(object('L2Advertisement', 'both', { ownership: 'lease', sharing: 'perClient' }), null);
  assert.equal(decoded, null);
  assert.deepEqual(problems.map(({ field }) => field), ['spec.ownership']);
});
