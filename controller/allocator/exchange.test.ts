import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../model/service.ts';
import type { Assignments } from './assignment.ts';
import { give } from './testing/given.ts';
import { pool, service, type ServiceFields } from './testing/objects.ts';

const V4 = pool('p', ['192.0.2.0/29']);

const PAIR: Assignments = new Map([
  ['a/one', { addresses: ['192.0.2.1'], pool: 'p' }],
  ['a/two', { addresses: ['192.0.2.2'], pool: 'p' }],
]);

test('Two Services that ask for the address of each other exchange them', () => {
  const one = service('a/one', { loadBalancerIP: '192.0.2.2' });
  const early = give({ pools: [V4], services: [one, service('a/two')], previous: PAIR });
  assert.deepEqual(early.given, { 'a/one': '192.0.2.1 @p', 'a/two': '192.0.2.2 @p' });
  assert.match(early.faults[0] ?? '', /a\/two has it, .*keeps 192\.0\.2\.1/);
  const services = [one, service('a/two', { loadBalancerIP: '192.0.2.1' })];
  const { given, faults } = give({ pools: [V4], services, previous: early.result.assignments });
  assert.deepEqual(given, { 'a/one': '192.0.2.2 @p', 'a/two': '192.0.2.1 @p' });
  assert.deepEqual(faults, []);
});

test('A chain of Services that move is carried out as a whole, or from its end where that is stuck', () => {
  const previous: Assignments = new Map([...PAIR, ['a/three', { addresses: ['192.0.2.3'], pool: 'p' }]]);
  const movers = (last: string): Service[] => [
    service('a/one', { loadBalancerIP: '192.0.2.2' }),
    service('a/two', { loadBalancerIP: '192.0.2.3' }),
    service('a/three', { loadBalancerIP: last }),
  ];
  assert.deepEqual(give({ pools: [V4], services: movers('192.0.2.4'), previous }).given, {
    'a/one': '192.0.2.2 @p',
    'a/three': '192.0.2.4 @p',
    'a/two': '192.0.2.3 @p',
  });
  const stuck = give({ pools: [V4], services: movers('10.0.0.1'), previous });
  assert.deepEqual(stuck.given, { 'a/one': '192.0.2.1 @p', 'a/three': '192.0.2.3 @p', 'a/two': '192.0.2.2 @p' });
  assert.deepEqual(stuck.result.changes, []);
  assert.equal(stuck.faults.length, 3);
});

test('Two Services of full pools that ask for the pool of each other exchange places', () => {
  const pools = [pool('p', ['192.0.2.1/32']), pool('q', ['10.0.0.1/32'])];
  const previous: Assignments = new Map([
    ['a/one', { addresses: ['192.0.2.1'], pool: 'p' }],
    ['a/two', { addresses: ['10.0.0.1'], pool: 'q' }],
  ]);
  const wanting = (name: string): ServiceFields => ({ annotations: { 'gatehouse.dev/address-pool': name } });
  const services = [service('a/one', wanting('q')), service('a/two', wanting('p'))];
  assert.deepEqual(give({ pools, services, previous }).given, { 'a/one': '10.0.0.1 @q', 'a/two': '192.0.2.1 @p' });
});

test('A newcomer is not given the address of a Service whose move fails', () => {
  const pools = [pool('p', ['192.0.2.1/32'])];
  const previous: Assignments = new Map([['b/holder', { addresses: ['192.0.2.1'], pool: 'p' }]]);
  const holder = service('b/holder', { annotations: { 'gatehouse.dev/address-pool': 'nowhere' } });
  for (const newcomer of [service('a/new'), service('a/new', { loadBalancerIP: '192.0.2.1' })])
    assert.deepEqual(give({ pools, services: [newcomer, holder], previous }).given, { 'b/holder': '192.0.2.1 @p' });
});

test('One who was refused an address that changed hands meanwhile gets it after all if it may share it', () => {
  const share: ServiceFields = { annotations: { 'gatehouse.dev/allow-shared-ip': 'k' } };
  const previous: Assignments = new Map([['c/holder', { addresses: ['192.0.2.1'], pool: 'p' }]]);
  const services = [
    service('a/alone', { loadBalancerIP: '192.0.2.1' }),
    service('b/shares', { ...share, loadBalancerIP: '192.0.2.1', ports: ['TCP/443'] }),
    service('c/holder', { ...share, loadBalancerIP: '10.0.0.1' }),
  ];
  const { given, faults } = give({ pools: [V4], services, previous });
  assert.deepEqual(given, { 'b/shares': '192.0.2.1 @p', 'c/holder': '192.0.2.1 @p' });
  assert.match(faults[0] ?? '', /^alone .*has it/);
});
