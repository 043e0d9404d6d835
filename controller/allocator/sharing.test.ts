import assert from 'node:assert/strict';
import { test } from 'node:test';
import { give } from './testing/given.ts';
import { pool, service, type ServiceFields } from './testing/objects.ts';

const POOL = pool('p', ['192.0.2.0/29']);
const KEY = 'metallb.io/allow-shared-ip';
const IP = '192.0.2.5';

function sharer(key: string, fields: ServiceFields = {}): ServiceFields {
  return {
    loadBalancerIP: IP,
    ...fields,
    annotations: { ...(key === '' ? {} : { [KEY]: key }), ...fields.annotations },
  };
}

const LOCAL: ServiceFields = { externalTrafficPolicy: 'Local', selector: { app: 'a', tier: 'b' } };

interface Row {
  readonly name: string;
  readonly first: ServiceFields;
  readonly second: ServiceFields;
  readonly fault?: RegExp;
}

const ROWS: readonly Row[] = [
  { name: 'one key and different ports', first: sharer('k'), second: sharer('k', { ports: ['TCP/443'] }) },
  { name: 'one key and one port of two protocols', first: sharer('k'), second: sharer('k', { ports: ['UDP/80'] }) },
  {
    name: 'one key and different selectors, both Cluster',
    first: sharer('k', { selector: { a: 'b' } }),
    second: sharer('k', { ports: ['TCP/1'], selector: { a: 'c' } }),
  },
  {
    name: 'one key, both Local with one selector in any order',
    first: sharer('k', LOCAL),
    second: sharer('k', { ...LOCAL, ports: ['TCP/1'], selector: { tier: 'b', app: 'a' } }),
  },
  {
    name: 'Cluster with Local without a selector',
    first: sharer('k'),
    second: sharer('k', { ports: ['TCP/1'], externalTrafficPolicy: 'Local' }),
  },
  {
    name: 'keys under different prefixes',
    first: sharer('', { annotations: { 'gatehouse.dev/allow-shared-ip': 'k' } }),
    second: sharer('k', { ports: ['TCP/1'] }),
  },
  {
    name: 'no keys',
    first: sharer(''),
    second: sharer('', { ports: ['TCP/1'] }),
    fault: /a\/1 has it, and only Services with the same/,
  },
  {
    name: 'a key on one side',
    first: sharer('k'),
    second: sharer('', { ports: ['TCP/1'] }),
    fault: /only Services with the same/,
  },
  {
    name: 'a key on the other side',
    first: sharer(''),
    second: sharer('k', { ports: ['TCP/1'] }),
    fault: /only Services with the same/,
  },
  {
    name: 'different keys',
    first: sharer('k'),
    second: sharer('j', { ports: ['TCP/1'] }),
    fault: /only Services with the same/,
  },
  {
    name: 'two keys on one side',
    first: sharer('k'),
    second: sharer('k', { ports: ['TCP/1'], annotations: { 'gatehouse.dev/allow-shared-ip': 'j' } }),
    fault: /must say the same as metadata\.annotations\[gatehouse\.dev\/allow-shared-ip\]/,
  },
  {
    name: 'one key and one port',
    first: sharer('k', { ports: ['TCP/80', 'TCP/1'] }),
    second: sharer('k', { ports: ['TCP/2', 'TCP/80'] }),
    fault: /with port TCP\/80/,
  },
  {
    name: 'Cluster and Local',
    first: sharer('k'),
    second: sharer('k', { ...LOCAL, ports: ['TCP/1'] }),
    fault: /externalTrafficPolicy/,
  },
  {
    name: 'Local with different selectors',
    first: sharer('k', LOCAL),
    second: sharer('k', { ...LOCAL, ports: ['TCP/1'], selector: { app: 'a' } }),
    fault: /externalTrafficPolicy/,
  },
];

for (const { name, first, second, fault } of ROWS) {
  test(`Services ${fault === undefined ? 'share' : 'do not share'} an address with ${name}`, () => {
    const { given, faults } = give({ pools: [POOL], services: [service('a/1', first), service('b/2', second)] });
    assert.deepEqual(given, fault === undefined ? { 'a/1': `${IP} @p`, 'b/2': `${IP} @p` } : { 'a/1': `${IP} @p` });
    assert.equal(faults.length, fault === undefined ? 0 : 1);
    if (fault !== undefined) assert.match(faults[0] ?? '', fault);
  });
}

test('A Service that leaves the choice to us gets the first address that it may have, shared or free', () => {
  const services = [
    service('a/1', { annotations: { [KEY]: 'k' } }),
    service('a/2', { annotations: { [KEY]: 'k' } }),
    service('a/3', { annotations: { [KEY]: 'k' }, ports: ['TCP/443'] }),
    service('a/4', { annotations: { [KEY]: 'k' }, ports: ['TCP/443', 'UDP/1'] }),
    service('a/5', { annotations: { [KEY]: 'k' }, ports: ['TCP/443'] }),
    service('a/6', { annotations: { [KEY]: 'j' }, ports: ['TCP/1'] }),
    service('a/7', { ports: ['TCP/2'] }),
    service('a/8', { annotations: { [KEY]: 'k' }, ports: ['UDP/1'] }),
  ];
  const { given } = give({ pools: [POOL], services });
  assert.deepEqual(
    Object.values(given).map((text) => text.replace('192.0.2.', '').replace(' @p', '')),
    ['0', '1', '0', '1', '2', '3', '4', '0'],
  );
});

test('A free address before the shared one is taken first', () => {
  const services = [service('a/1', sharer('k')), service('a/2', { annotations: { [KEY]: 'k' }, ports: ['TCP/443'] })];
  assert.deepEqual(give({ pools: [POOL], services }).given, { 'a/1': '192.0.2.5 @p', 'a/2': '192.0.2.0 @p' });
});

test('Of two that share, the one whose terms change gives the address up, be it the older one', () => {
  const stays = service('b/stays', sharer('k', { createdAtMs: 9 }));
  const before = give({
    pools: [POOL],
    services: [service('a/moves', sharer('k', { ports: ['TCP/1'], createdAtMs: 1 })), stays],
  });
  assert.deepEqual(before.given, { 'a/moves': `${IP} @p`, 'b/stays': `${IP} @p` });
  const changes: readonly ServiceFields[] = [
    sharer('j', { ports: ['TCP/1'], createdAtMs: 1 }),
    sharer('', { ports: ['TCP/1'], createdAtMs: 1 }),
    sharer('k', { ports: ['TCP/80'], createdAtMs: 1 }),
    sharer('k', { ...LOCAL, ports: ['TCP/1'], createdAtMs: 1 }),
  ];
  for (const fields of changes) {
    const after = give({
      pools: [POOL],
      services: [service('a/moves', fields), stays],
      previous: before.result.assignments,
    });
    assert.deepEqual(after.given, { 'b/stays': `${IP} @p` });
    assert.deepEqual(after.result.changes, [{ service: 'a/moves', before: [IP], after: [], cause: 'sharing' }]);
    const { loadBalancerIP: _, ...free } = fields;
    const moved = give({
      pools: [POOL],
      services: [service('a/moves', free), stays],
      previous: before.result.assignments,
    });
    assert.deepEqual(moved.given, { 'a/moves': '192.0.2.0 @p', 'b/stays': `${IP} @p` });
  }
});

test('A sole holder may change its terms', () => {
  const before = give({ pools: [POOL], services: [service('a/1', sharer('k'))] });
  for (const fields of [sharer('j'), sharer(''), sharer('k', LOCAL), sharer('k', { ports: ['UDP/7'] })]) {
    const { loadBalancerIP: _, ...free } = fields;
    const after = give({ pools: [POOL], services: [service('a/1', free)], previous: before.result.assignments });
    assert.deepEqual(after.given, { 'a/1': `${IP} @p` });
    assert.deepEqual(after.result.changes, []);
  }
});
