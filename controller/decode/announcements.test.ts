import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';

const LOST = 'the object is not taken; a last good form of it stays in use';

function object(kind: string, rest: string, group = 'gatehouse.dev/v1'): string {
  return `apiVersion: ${group}\nkind: ${kind}\nmetadata: { name: a, namespace: edge }\n${rest}`;
}

test('Advertisements without a spec announce everything everywhere', async () => {
  for (const group of ['gatehouse.dev/v1', 'metallb.io/v1beta1']) {
    const l2 = await decodeAs('L2Advertisement', object('L2Advertisement', '', group));
    assert.deepEqual([l2.problems, l2.object.ipAddressPools, l2.object.interfaces, l2.object.nodeSelectors], [[], [], [], []]);
    const bgp = await decodeAs('BGPAdvertisement', object('BGPAdvertisement', 'spec: {}\n', group));
    assert.deepEqual([bgp.object.aggregationLength, bgp.object.aggregationLengthV6, bgp.object.localPref], [32, 128, null]);
  }
});

test('An L2Advertisement is decoded with its preferences', async () => {
  const spec = `spec:
  interfaces: [eth0, "can_reach:2001:db8::1"]
  preferredNodeSelectors: [{ weight: 50, preference: { matchLabels: { rack: a } } }]
`;
  const { object: read, problems } = await decodeAs('L2Advertisement', object('L2Advertisement', spec));
  assert.deepEqual(problems, []);
  assert.deepEqual(read.interfaces, ['eth0', 'can_reach:2001:db8::1']);
  assert.deepEqual(read.preferredNodeSelectors, [{ weight: 50, preference: { matchLabels: new Map([['rack', 'a']]), matchExpressions: [] } }]);
});

test('A local preference of 0 is none, as with MetalLB', async () => {
  const { object: read } = await decodeAs('BGPAdvertisement', object('BGPAdvertisement', 'spec: { localPref: 0 }\n'));
  assert.equal(read.localPref, null);
});

test('A fault anywhere in an advertisement costs the change, so that it never grows by a slip', async () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['L2Advertisement', '{ nodeSelectors: [{ matchLabels: { a: "b c" } }] }', 'spec.nodeSelectors[0].matchLabels[a]'],
    ['L2Advertisement', '{ nodeSelectors: [{}, {}] }', 'spec.nodeSelectors[1]'],
    ['L2Advertisement', '[]', 'spec'],
    ['BGPAdvertisement', '{ communities: ["1:2", "65536:1"] }', 'spec.communities[1]'],
    ['BGPAdvertisement', '{ peers: tor }', 'spec.peers'],
    ['BFDProfile', '{ receiveInterval: 9 }', 'spec.receiveInterval'],
    ['Community', '{ communities: [{ name: a, value: b }] }', 'spec.communities[0].value'],
  ];
  for (const [kind, spec, field] of cases) {
    const { object: read, faults } = await decodeCase(object(kind, `spec: ${spec}\n`));
    assert.equal(read, null);
    assert.deepEqual(faults, [`4 ${field}: ${LOST}`], spec);
  }
});

test('A BFDProfile has the defaults of FRR', async () => {
  const { object: read } = await decodeAs('BFDProfile', object('BFDProfile', ''));
  const { receiveIntervalMs, transmitIntervalMs, detectMultiplier, echoIntervalMs, echoMode, passiveMode, minimumTtl } = read;
  assert.deepEqual([receiveIntervalMs, transmitIntervalMs, detectMultiplier, echoIntervalMs], [300, 300, 3, 50]);
  assert.deepEqual([echoMode, passiveMode, minimumTtl], [false, false, 254]);
});

test('A ServiceVIPStatus is read with any status, and with none', async () => {
  const status = 'status: { node: one, serviceName: web, serviceNamespace: shop, addresses: [192.0.2.1] }\n';
  const { object: read } = await decodeAs('ServiceVIPStatus', object('ServiceVIPStatus', status));
  assert.deepEqual([read.node, read.service], ['one', { namespace: 'shop', name: 'web' }]);
  for (const faulty of ['', 'status: 5\n', 'status: { node: 5 }\n']) {
    const { object: empty, problems } = await decodeAs('ServiceVIPStatus', object('ServiceVIPStatus', faulty));
    assert.equal(empty.node, '');
    assert.ok(problems.every(({ severity }) => severity === 'warning'));
  }
});
