import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEip } from './eip.ts';

function eip(spec: object, annotations: object = {}): unknown {
  return { apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip', metadata: { name: 'office', annotations, uid: 'u1' }, spec };
}

test('An Eip of layer 2 is a pool and an ARP advertisement of its own', () => {
  const [pool, advertisement, ...more] = decodeEip(eip({ address: '192.0.2.10-192.0.2.20', protocol: 'layer2', interface: 'can_reach:192.0.2.1' }));
  assert.deepEqual([pool?.problems, advertisement?.problems, more], [[], [], []]);
  assert.ok(pool?.object?.kind === 'IPAddressPool' && advertisement?.object?.kind === 'L2Advertisement');
  assert.deepEqual([pool.object.metadata.namespace, pool.object.metadata.name, pool.object.metadata.uid], ['', 'office', 'u1']);
  assert.deepEqual([pool.object.group, pool.object.addresses], ['network.kubesphere.io', ['192.0.2.10-192.0.2.20']]);
  assert.deepEqual([pool.object.autoAssign, pool.object.isDefault, pool.object.drain], [false, false, false]);
  assert.deepEqual([advertisement.object.ipAddressPools, advertisement.object.interfaces], [['office'], ['can_reach:192.0.2.1']]);
});

test('Without a protocol an Eip is announced by BGP, and a single address is a range of one', () => {
  const [pool, advertisement] = decodeEip(eip({ address: '2001:db8::1', disable: true }, { 'eip.openelb.kubesphere.io/is-default-eip': 'true' }));
  assert.ok(pool?.object?.kind === 'IPAddressPool' && advertisement?.object?.kind === 'BGPAdvertisement');
  assert.deepEqual(pool.object.addresses, ['2001:db8::1/128']);
  assert.deepEqual([pool.object.autoAssign, pool.object.isDefault, pool.object.drain], [true, true, true]);
});

test('An Eip for namespaces goes by their names and labels, priority 0 first', () => {
  const [pool] = decodeEip(eip({ address: '192.0.2.0/24', namespaces: ['shop', 'shop'], namespaceSelector: { team: 'edge' } }));
  assert.ok(pool?.object?.kind === 'IPAddressPool');
  assert.equal(pool.object.autoAssign, true);
  assert.deepEqual(pool.object.serviceAllocation, {
    priority: 1,
    namespaces: ['shop'],
    namespaceSelectors: [{ matchLabels: new Map([['team', 'edge']]), matchExpressions: [] }],
    serviceSelectors: [],
  });
});

test('Problems name the fields of the Eip, and what is not taken over', () => {
  const [faulty, advertisement] = decodeEip(eip({ address: '192.0.2.300', disable: 'yes', namespaceSelector: { team: 'a b' } }));
  assert.equal(faulty?.object, null);
  assert.deepEqual(advertisement, { object: null, ref: { kind: 'BGPAdvertisement', namespace: '', name: 'office' }, problems: [] });
  assert.deepEqual(faulty?.problems.map(({ field }) => field).toSorted(), ['spec.address', 'spec.disable', 'spec.namespaceSelector[team]']);
  const [known] = decodeEip(eip({ address: '192.0.2.0/24', usingKnownIPs: true }));
  assert.deepEqual(known?.problems.map(({ severity, field }) => [severity, field]), [['warning', 'spec.usingKnownIPs']]);
});

test('No value whatever is too strange', () => {
  for (const value of [null, 5, [], {}, { metadata: 5, spec: [] }, eip({ address: {} }), { metadata: { name: 'A B' } }]) {
    const all = decodeEip(value);
    assert.ok(all.every(({ object }) => object === null) && all.some(({ problems }) => problems.length > 0));
  }
});
