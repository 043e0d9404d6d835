import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StandingStatus } from './standingStatus.ts';
import { statusPatch } from './statusPatch.ts';
import type { WantedStatus } from './statusWrite.ts';

const NOTHING: WantedStatus = { ingress: null, condition: null, usage: null };
const NOW = '2026-01-01T00:00:00Z';
const VERSION = { op: 'replace', path: '/metadata/resourceVersion', value: '7' };
const ENTRY = { ip: '192.0.2.1', hostname: '', ipMode: null, ports: [] };
const TRUE = { type: 'Valid', status: 'True', reason: 'Valid', message: 'fine' } as const;

function standing(more: Partial<StandingStatus> = {}): StandingStatus {
  return { uid: 'u', resourceVersion: '7', present: true, ingress: [], conditions: [], usage: null, ...more };
}

test('nothing wanted, and what stands already, is no patch', () => {
  const usage = { assignedIPv4: 1, assignedIPv6: 2, availableIPv4: 3, availableIPv6: 4 };
  assert.deepEqual(statusPatch(NOTHING, standing(), NOW), []);
  const wanted: WantedStatus = { ingress: { action: 'set', entries: [ENTRY] }, condition: { action: 'set', ...TRUE }, usage };
  assert.deepEqual(statusPatch(wanted, standing({ ingress: [{ ...ENTRY, ipMode: 'VIP' }], conditions: [TRUE], usage }), NOW), []);
});

test('a status that is not there is made first', () => {
  const wanted = { ...NOTHING, usage: { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 0, availableIPv6: 0 } };
  const [version, made, ...counts] = statusPatch(wanted, standing({ present: false }), NOW);
  assert.deepEqual([version, made], [VERSION, { op: 'add', path: '/status', value: {} }]);
  assert.equal(counts.length, 4);
});

test('only the counts that differ are written', () => {
  const usage = { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 9, availableIPv6: 0 };
  const patch = statusPatch({ ...NOTHING, usage }, standing({ usage: { ...usage, assignedIPv4: 2 } }), NOW);
  assert.deepEqual(patch, [VERSION, { op: 'add', path: '/status/assignedIPv4', value: 1 }]);
});

test('our condition is changed in its place, which is tested', () => {
  const other = { type: 'example.com/X', status: 'True', reason: 'x', message: 'x' } as const;
  const wanted: WantedStatus = { ...NOTHING, condition: { action: 'set', ...TRUE } };
  const testPlace = { op: 'test', path: '/status/conditions/1/type', value: 'Valid' };
  const at = (old: Partial<typeof TRUE> | { readonly status: 'False' }): StandingStatus => standing({ conditions: [other, { ...TRUE, ...old }] });
  assert.deepEqual(statusPatch(wanted, standing({ conditions: [other] }), NOW), [
    VERSION,
    { op: 'add', path: '/status/conditions/-', value: { ...TRUE, lastTransitionTime: NOW } },
  ]);
  assert.deepEqual(statusPatch(wanted, at({ status: 'False' }), NOW), [
    VERSION,
    testPlace,
    { op: 'replace', path: '/status/conditions/1', value: { ...TRUE, lastTransitionTime: NOW } },
  ]);
  assert.deepEqual(statusPatch({ ...NOTHING, condition: { action: 'set', ...TRUE, message: 'new' } }, at({}), NOW), [
    VERSION,
    testPlace,
    { op: 'add', path: '/status/conditions/1/message', value: 'new' },
  ]);
  assert.deepEqual(statusPatch({ ...NOTHING, condition: { action: 'remove', type: 'Valid' } }, at({}), NOW), [
    VERSION,
    testPlace,
    { op: 'remove', path: '/status/conditions/1' },
  ]);
});

test('addresses are cleared when all of them are ours, as somebody remembers or the condition says', () => {
  const assigned = { type: 'gatehouse.dev/AddressAssigned', status: 'True', reason: 'Assigned', message: 'has 192.0.2.1 and 2001:db8::1 of pool lan' } as const;
  const second = { ...ENTRY, ip: '2001:db8::1' };
  const cleared = [VERSION, { op: 'add', path: '/status/loadBalancer', value: {} }];
  const clear = (owned: readonly string[]): WantedStatus => ({ ...NOTHING, ingress: { action: 'clear', owned } });
  assert.deepEqual(statusPatch(clear(['192.0.2.1']), standing({ ingress: [ENTRY] }), NOW), cleared);
  assert.deepEqual(statusPatch(clear([]), standing({ ingress: [ENTRY, second], conditions: [assigned] }), NOW), cleared);
  assert.deepEqual(statusPatch(clear(['192.0.2.1']), standing({ ingress: [ENTRY, second] }), NOW), []);
  assert.deepEqual(statusPatch(clear([]), standing({ ingress: [ENTRY], conditions: [{ ...assigned, status: 'False' }] }), NOW), []);
  assert.deepEqual(statusPatch(clear(['192.0.2.1']), standing(), NOW), []);
});
