import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeOpenelbBgp } from './openelbBgp.ts';

const CONF = { kind: 'BgpConf', metadata: { name: 'default' }, spec: { as: 64512, routerId: '192.0.2.9' } };

function peer(spec: object): unknown {
  return { kind: 'BgpPeer', metadata: { name: 'tor' }, spec };
}

test('A BgpPeer has the AS of the BgpConf and its own terms', () => {
  const spec = {
    conf: { neighborAddress: '192.0.2.1', peerAs: 64513, authPassword: 'secret' },
    timers: { config: { holdTime: '30', keepaliveInterval: '10', connectRetry: '5' } },
    transport: { remotePort: 1790 },
    ebgpMultihop: { enabled: true },
    gracefulRestart: { enabled: true },
    nodeSelector: { matchLabels: { rack: 'a' } },
  };
  const [decoded, ...more] = decodeOpenelbBgp([peer(spec), CONF, { ...CONF, metadata: { name: 'other' }, spec: { as: 1 } }]);
  assert.deepEqual([decoded?.problems, more], [[], []]);
  assert.ok(decoded?.object?.kind === 'BGPPeer');
  const { myASN, peerASN, peer: reached, peerPort, routerID, password } = decoded.object;
  assert.deepEqual([myASN, peerASN, reached], [64512, { type: 'number', asn: 64513 }, { type: 'address', address: '192.0.2.1' }]);
  assert.deepEqual([peerPort, routerID, password], [1790, '192.0.2.9', 'secret']);
  const { holdTimeMs, keepaliveTimeMs, connectTimeMs, ebgpMultiHop, enableGracefulRestart, nodeSelectors } = decoded.object;
  assert.deepEqual([holdTimeMs, keepaliveTimeMs, connectTimeMs, ebgpMultiHop, enableGracefulRestart], [30_000, 10_000, 5000, true, true]);
  assert.deepEqual(nodeSelectors, [{ matchLabels: new Map([['rack', 'a']]), matchExpressions: [] }]);
});

test('Without a BgpConf the AS is that of the peer, or missing', () => {
  const [own] = decodeOpenelbBgp([peer({ conf: { neighborAddress: '192.0.2.1', peerAs: 1, localAs: 2 } })]);
  assert.ok(own?.object?.kind === 'BGPPeer');
  assert.deepEqual([own.object.myASN, own.object.localASN], [2, 2]);
  const [none] = decodeOpenelbBgp([peer({ conf: { neighborAddress: '192.0.2.1', peerAs: 1 } })]);
  assert.deepEqual([none?.object, none?.problems.map(({ field }) => field)], [null, ['BgpConf default: spec.as']]);
  const [faulty] = decodeOpenelbBgp([peer({ conf: { neighborAddress: '192.0.2.1', peerAs: 1, localAs: -2 } })]);
  assert.equal(faulty?.problems[0]?.field, 'spec.conf.localAs');
  const [strange] = decodeOpenelbBgp([peer({ conf: { neighborAddress: '192.0.2.1', peerAs: 1 } }), { ...CONF, spec: { as: 1, routerId: 'me' } }]);
  assert.deepEqual(strange?.problems.map(({ field }) => field), ['BgpConf default: spec.routerId']);
});

test('What is not taken over is said, and a peer that is switched off is none', () => {
  const conf = { ...CONF, spec: { ...CONF.spec, listenPort: 17900, policy: 'p', useMultiplePaths: true } };
  const spec = { conf: { neighborAddress: '192.0.2.1', peerAs: 1, peerGroup: 'g' }, transport: { tcpMss: 1200 }, afiSafis: [{ config: { family: { afi: 2 } } }] };
  const [ofConf, ofPeer] = decodeOpenelbBgp([conf, peer(spec)]);
  assert.deepEqual(ofConf?.problems.map(({ field }) => field), [
    'BgpConf default: spec.listenPort',
    'BgpConf default: spec.useMultiplePaths',
    'BgpConf default: spec.policy',
  ]);
  assert.deepEqual(ofPeer?.problems.map(({ field, severity }) => [field, severity]), [
    ['spec.conf.peerGroup', 'warning'],
    ['spec.transport.tcpMss', 'warning'],
    ['spec.afiSafis', 'warning'],
  ]);
  const [down] = decodeOpenelbBgp([CONF, peer({ conf: { neighborAddress: '192.0.2.1', peerAs: 1, adminDown: true } })]);
  assert.deepEqual([down?.object, down?.problems.map(({ field }) => field)], [null, ['spec.conf.adminDown']]);
});

test('Paths, passive peers, hops and restart times are taken over', () => {
  const spec = {
    conf: { neighborAddress: '192.0.2.1', peerAs: 1 }, transport: { passiveMode: true }, ebgpMultihop: { enabled: true, multihopTtl: 3 },
    gracefulRestart: { enabled: true, restartTime: 60, notificationEnabled: true }, afiSafis: [{ addPaths: { config: { sendMax: 10 } } }, { addPaths: { sendMax: 300 } }],
  };
  const [decoded] = decodeOpenelbBgp([CONF, peer(spec)]);
  assert.deepEqual(decoded?.problems, []);
  const extras = decoded?.object?.kind === 'BGPPeer' ? decoded.object.extras : null;
  assert.deepEqual([extras?.connectMode, extras?.multihopTTL, extras?.gracefulRestartTimeMs, extras?.addPathSend], ['passive', 3, 60_000, 64]);
});

test('A password is never stated, and no value is too strange', () => {
  const [decoded] = decodeOpenelbBgp([CONF, peer({ conf: { neighborAddress: '192.0.2.1', peerAs: 1, authPassword: 987_654 } })]);
  assert.equal(decoded?.object, null);
  assert.ok(!JSON.stringify(decoded).includes('987654'));
  for (const value of [{ kind: 'BgpPeer' }, { kind: 'BgpPeer', metadata: 5, spec: 5 }, peer({ conf: [] })]) {
    assert.ok(decodeOpenelbBgp([value]).every(({ object, problems }) => object === null && problems.length > 0));
  }
  assert.deepEqual(decodeOpenelbBgp([null, 5, {}]), []);
});

test('A peer of the own AS is taken whether it is to be hops away or not, as with GoBGP', () => {
  const [decoded] = decodeOpenelbBgp([CONF, peer({ conf: { neighborAddress: '192.0.2.1', peerAs: 64512 }, ebgpMultihop: { enabled: true, multihopTtl: 5 } })]);
  assert.ok(decoded?.object?.kind === 'BGPPeer' && !decoded.object.ebgpMultiHop);
  assert.deepEqual(decoded.problems.map(({ severity, field }) => [severity, field]), [['warning', 'spec.ebgpMultihop.enabled']]);
});

test('Families of a session are taken where they can be', () => {
  const family = (afi: string, more: object = {}): object => ({ config: { family: { afi, safi: 'SAFI_UNICAST' }, enabled: true, ...more } });
  const cases: readonly (readonly [string, readonly object[], boolean, readonly string[]])[] = [
    ['192.0.2.1', [family('AFI_IP')], false, []],
    ['2001:db8::1', [family('AFI_IP6')], false, []],
    ['192.0.2.1', [family('AFI_IP'), family('AFI_IP6')], true, []],
    ['192.0.2.1', [family('AFI_IP6')], false, ['spec.afiSafis']],
    ['192.0.2.1', [family('AFI_IP'), family('AFI_IP6', { enabled: false })], false, ['spec.afiSafis']],
    ['192.0.2.1', [family('AFI_IP'), family('AFI_IP', { family: { afi: 'AFI_IP', safi: 'SAFI_MULTICAST' } })], false, ['spec.afiSafis']],
  ];
  for (const [neighborAddress, afiSafis, isDual, fields] of cases) {
    const [decoded] = decodeOpenelbBgp([CONF, peer({ conf: { neighborAddress, peerAs: 1 }, afiSafis })]);
    assert.ok(decoded?.object?.kind === 'BGPPeer');
    assert.deepEqual([decoded.object.dualStackAddressFamily, decoded.problems.map(({ field }) => field)], [isDual, fields]);
  }
});
