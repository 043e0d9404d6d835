import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAs, decodeCase } from './decodeCase.ts';

function peer(spec: string, apiVersion = 'gatehouse.dev/v1'): string {
  return `apiVersion: ${apiVersion}\nkind: BGPPeer\nmetadata: { name: tor, namespace: edge }\nspec: { myASN: 64512, ${spec} }\n`;
}

test('A peer is decoded with the defaults of MetalLB', async () => {
  const { object, problems } = await decodeAs('BGPPeer', peer('peerASN: 64513, peerAddress: 192.0.2.1'));
  assert.deepEqual(problems, []);
  const { metadata: _, origin: __, ...rest } = object;
  assert.deepEqual(rest, {
    kind: 'BGPPeer',
    group: 'gatehouse.dev',
    myASN: 64512,
    peerASN: { type: 'number', asn: 64513 },
    localASN: null,
    peer: { type: 'address', address: '192.0.2.1' },
    peerPort: 179,
    sourceAddress: null,
    holdTimeMs: null,
    keepaliveTimeMs: null,
    connectTimeMs: null,
    routerID: null,
    nodeSelectors: [],
    password: null,
    passwordSecret: null,
    bfdProfile: null,
    enableGracefulRestart: false,
    ebgpMultiHop: false,
    vrf: null,
    dualStackAddressFamily: false,
    extras: {
      connectMode: 'active', delayOpenTimeMs: 0, multihopTTL: null, ttlSecurity: false, tcpAO: null, addPathSend: 0, gracefulRestartTimeMs: null,
      longLivedStaleTimeMs: null, role: null, shutdown: null,
    },
  });
});

test('A peer may be an interface, of an AS that shows itself', async () => {
  const { object } = await decodeAs('BGPPeer', peer('dynamicASN: external, interface: eth0'));
  assert.deepEqual([object.peer, object.peerASN], [{ type: 'interface', interface: 'eth0' }, { type: 'external' }]);
});

test('Of hold and keepalive time, one that is left out follows the other', async () => {
  const cases: readonly (readonly [string, number | null, number | null])[] = [
    ['holdTime: 90s', 90_000, 30_000],
    ['keepaliveTime: 1m', 180_000, 60_000],
    ['holdTime: 0s', 0, 0],
    ['holdTime: 1h30m, keepaliveTime: 30s', 5_400_000, 30_000],
  ];
  for (const [spec, hold, keepalive] of cases) {
    const { object } = await decodeAs('BGPPeer', peer(`peerASN: 1, peerAddress: 192.0.2.1, ${spec}`));
    assert.deepEqual([object.holdTimeMs, object.keepaliveTimeMs], [hold, keepalive], spec);
  }
});

test('Peers of MetalLB are read, with what its Go clients write where nothing is meant', async () => {
  const newer = 'peerASN: 1, peerAddress: 192.0.2.1, passwordSecret: {}, sourceAddress: "", routerID: ""';
  const read = await decodeAs('BGPPeer', peer(newer, 'metallb.io/v1beta2'));
  assert.deepEqual([read.problems, read.object.passwordSecret, read.object.sourceAddress], [[], null, null]);
  const oldest = 'peerASN: 1, peerAddress: 192.0.2.1, peerPort: 0, holdTime: 0s, keepaliveTime: 0s, nodeSelectors: [{ matchLabels: { a: b } }]';
  const old = await decodeAs('BGPPeer', peer(oldest, 'metallb.io/v1beta1'));
  assert.deepEqual([old.problems, old.object.peerPort, old.object.holdTimeMs, old.object.keepaliveTimeMs], [[], 179, null, null]);
  assert.deepEqual(old.object.nodeSelectors.map(({ matchLabels }) => [...matchLabels]), [[['a', 'b']]]);
});

test('A password is never stated, however faulty', async () => {
  for (const password of ['987654', `"${'987654'.repeat(20)}"`, '[987654]', '"987654", passwordSecret: { name: a }']) {
    const { object, problems } = await decodeCase(peer(`peerASN: 1, peerAddress: 192.0.2.1, password: ${password}`));
    assert.equal(object, null);
    assert.deepEqual(problems.map(({ field, value }) => [field, value]), [['spec.password', '']]);
  }
});

test('A Secret of another namespace is refused', async () => {
  const secret = (namespace: string): string => peer(`peerASN: 1, peerAddress: 192.0.2.1, passwordSecret: { name: a, namespace: ${namespace} }`);
  assert.equal((await decodeAs('BGPPeer', secret('edge'))).object.passwordSecret, 'a');
  const { object, faults } = await decodeCase(secret('kube-system'));
  assert.equal(object, null);
  assert.match(faults[0] ?? '', /spec\.passwordSecret\.namespace/);
});

test('A peer of our own kind may say more than one of MetalLB', async () => {
  const more =
    'peerASN: 1, peerAddress: 192.0.2.1, ebgpMultiHop: true, multihopTTL: 3, ttlSecurity: true, connectMode: both, delayOpenTime: 5s, addPathSend: 8, ' +
    'enableGracefulRestart: true, gracefulRestartTime: 2m, longLivedStaleTime: 1h, role: customer, shutdown: { message: maintenance }, ' +
    'password: x, tcpAO: { keyID: 5, algorithm: hmac-sha256 }';
  const { object, problems } = await decodeAs('BGPPeer', peer(more));
  assert.deepEqual(problems, []);
  assert.deepEqual(object.extras, {
    connectMode: 'both', delayOpenTimeMs: 5000, multihopTTL: 3, ttlSecurity: true, tcpAO: { keyID: 5, receiveKeyID: 5, algorithm: 'hmac-sha256' },
    addPathSend: 8, gracefulRestartTimeMs: 120_000, longLivedStaleTimeMs: 3_600_000, role: 'customer', shutdown: 'maintenance',
  });
  const theirs = await decodeAs('BGPPeer', peer('peerASN: 1, peerAddress: 192.0.2.1, addPathSend: 8', 'metallb.io/v1beta2'));
  assert.equal(theirs.object.extras.addPathSend, 0);
  assert.deepEqual(theirs.problems.map(({ severity, field }) => [severity, field]), [['warning', 'spec.addPathSend']]);
});

test('What only makes sense beside something else is refused without it', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['tcpAO: { keyID: 1 }', 'spec.tcpAO'],
    ['multihopTTL: 3', 'spec.multihopTTL'],
    ['gracefulRestartTime: 30s', 'spec.gracefulRestartTime'],
    ['longLivedStaleTime: 30s', 'spec.longLivedStaleTime'],
    ['delayOpenTime: 1500ms', 'spec.delayOpenTime'],
    ['addPathSend: 65', 'spec.addPathSend'],
    ['shutdown: { message: "" }', 'spec.shutdown.message'],
    ['role: king', 'spec.role'],
  ];
  for (const [spec, field] of cases) {
    const { object, problems } = await decodeCase(peer(`peerASN: 1, peerAddress: 192.0.2.1, ${spec}`));
    assert.equal(object, null, spec);
    assert.deepEqual(problems.map((problem) => problem.field), [field], spec);
  }
  const { object } = await decodeCase(peer('peerASN: 64512, peerAddress: 192.0.2.1, role: peer'));
  assert.equal(object, null);
});

test('What no session could come of is refused, in words that say what to write', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['peerASN: 1, peerAddress: 0.0.0.0', 'spec.peerAddress: must be the IP address of one host, link-local IPv6 not among them'],
    ['peerASN: 1, peerAddress: "::"', 'spec.peerAddress: must be the IP address of one host, link-local IPv6 not among them'],
    ['peerASN: 1, peerAddress: 224.0.0.5', 'spec.peerAddress: must be the IP address of one host, link-local IPv6 not among them'],
    ['peerASN: 1, peerAddress: 255.255.255.255', 'spec.peerAddress: must be the IP address of one host, link-local IPv6 not among them'],
    ['peerASN: 1, peerAddress: "ff02::5"', 'spec.peerAddress: must be the IP address of one host, link-local IPv6 not among them'],
    ['peerASN: 1, peerAddress: "fe80::1"', 'spec.peerAddress: must be the IP address of one host, link-local IPv6 not among them'],
    ['peerASN: 1, peerAddress: "febf::1"', 'spec.peerAddress: must be the IP address of one host, link-local IPv6 not among them'],
    ['peerASN: 1, peerAddress: 192.0.2.1, sourceAddress: "2001:db8::2"', 'spec.sourceAddress: must be an IPv4 address, as peerAddress is'],
    ['peerASN: 1, peerAddress: "2001:db8::1", sourceAddress: 192.0.2.2', 'spec.sourceAddress: must be an IPv6 address, as peerAddress is'],
    ['peerASN: 1, interface: eth0, sourceAddress: 192.0.2.2', 'spec.sourceAddress: must be an IPv6 address beside interface'],
    ['peerASN: 1, peerAddress: 192.0.2.1, routerID: 0.0.0.0', 'spec.routerID: must be written as an IPv4 address, and not be 0.0.0.0'],
    ['dynamicASN: auto, peerAddress: 192.0.2.1', 'spec.dynamicASN: must be internal or external'],
    ['peerASN: 1, peerAddress: 192.0.2.1, holdTime: 2s', 'spec.holdTime: must be 0s, or from 3s to 65535s'],
    [
      'peerASN: 1, peerAddress: 192.0.2.1, keepaliveTime: 500ms',
      'spec.keepaliveTime: must be 0s, or from 1s to 21845s where holdTime is left out, which is three times as long then',
    ],
  ];
  for (const apiVersion of ['gatehouse.dev/v1', 'metallb.io/v1beta2']) {
    for (const [spec, fault] of cases) {
      const { object, problems } = await decodeCase(peer(spec, apiVersion));
      assert.equal(object, null, spec);
      assert.equal(problems.map(({ field, rule }) => `${field}: ${rule}`)[0], fault);
    }
  }
  for (const spec of ['peerAddress: 169.254.1.1', 'peerAddress: 127.0.0.1', 'peerAddress: 240.0.0.1', 'interface: eth0, sourceAddress: "fe80::2"', 'peerAddress: "fec0::1"']) {
    assert.deepEqual((await decodeCase(peer(`peerASN: 1, ${spec}`))).problems, [], spec);
  }
});

test('disableMP has no effect, as with MetalLB, and it is said', async () => {
  for (const [spec, effect] of [
    ['disableMP: true', 'it has no effect: one family is offered, as without it'],
    ['disableMP: true, dualStackAddressFamily: true', 'it has no effect: both families are offered'],
  ] as const) {
    const { problems } = await decodeAs('BGPPeer', peer(`peerASN: 1, peerAddress: 192.0.2.1, ${spec}`, 'metallb.io/v1beta2'));
    assert.deepEqual(problems.map((problem) => [problem.severity, problem.field, problem.effect]), [['warning', 'spec.disableMP', effect]]);
  }
  assert.deepEqual((await decodeAs('BGPPeer', peer('peerASN: 1, peerAddress: 192.0.2.1, disableMP: false'))).problems, []);
});
