import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BfdEndpoint } from '../../bfd/bfdSpeaker.ts';
import type { BfdSettings } from '../../bfd/bfdSettings.ts';
import type { Link } from '../../parts.ts';
import type { WantedPeer } from '../bgpWanted.ts';
import { bfdEndpointsOf, type BfdSurroundings } from './bfdEndpoint.ts';
import { wantedPeer } from './testing/speakerFacts.ts';

const SINGLE: BfdSettings = { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, echoReceiveIntervalMs: 50, passive: false, hops: { type: 'single' } };
const MULTIHOP: BfdSettings = { ...SINGLE, hops: { type: 'multihop', minimumTtl: 250 } };
const ETH1: Link = {
  index: 3, name: 'eth1', mac: '02:00:00:00:00:03', up: true, loopback: false, noArp: false, broadcast: true, master: null, kind: '',
  addresses: [{ address: '10.0.0.1', prefixLength: 24, usable: true }],
};
const ENDS = { localAddress: '10.0.0.1', remoteAddress: '10.0.0.2' };
const PEER = wantedPeer('net/router', { bfd: SINGLE, sourceAddress: null, remote: { type: 'address', address: '10.0.0.2' } });
const INTERNAL: WantedPeer = { ...PEER, bfd: MULTIHOP, remoteAsn: { type: 'internal' } };

const endpoints = (peer: WantedPeer, around: Partial<BfdSurroundings> = {}): readonly BfdEndpoint[] =>
  bfdEndpointsOf(peer, { ends: null, links: [ETH1], before: [], ...around });
const interfaceOf = (peer: WantedPeer, around: Partial<BfdSurroundings>): string | null | undefined => endpoints(peer, around)[0]?.interface;
const addressed = (address: string, prefixLength: number): Link['addresses'] => [{ address, prefixLength, usable: true }];

test('a session needs both addresses, wherever they are known from', () => {
  assert.deepEqual(endpoints(PEER), []);
  const expected = [{ name: 'net/router', ...ENDS, interface: 'eth1', vrf: null, settings: SINGLE }];
  assert.deepEqual(endpoints({ ...PEER, sourceAddress: '10.0.0.1' }), expected);
  assert.deepEqual(endpoints(PEER, { ends: ENDS }), expected);
});

test('several hops are bound to no interface, an unnumbered peer to its own, and nobody else has a session', () => {
  assert.deepEqual(endpoints({ ...PEER, bfd: MULTIHOP }, { ends: ENDS }).map(({ interface: name }) => name), [null]);
  const unnumbered = wantedPeer('a', { bfd: SINGLE, sourceAddress: null, remote: { type: 'interface', interface: 'eth7' } });
  assert.deepEqual(endpoints(unnumbered), []);
  const linkLocal = { localAddress: 'fe80::1', remoteAddress: 'fe80::2' };
  assert.equal(interfaceOf(unnumbered, { ends: linkLocal }), 'eth7');
  const internal: WantedPeer = { ...unnumbered, bfd: MULTIHOP, remoteAsn: { type: 'internal' } };
  const [near, ...others] = endpoints(internal, { ends: linkLocal });
  assert.deepEqual([near?.interface, near?.settings.hops.type, others], ['eth7', 'single', []], 'a link-local address is never several hops away');
  assert.deepEqual(endpoints(wantedPeer('a', { bfd: null }), { ends: ENDS }), []);
  assert.deepEqual(endpoints(wantedPeer('a', { bfd: SINGLE, shutdown: '' }), { ends: ENDS }), []);
});

test('a peer of the own AS on the link is tried over the link and as one of several hops, one behind a router only so', () => {
  assert.deepEqual(endpoints(INTERNAL, { ends: ENDS }), [
    { name: 'net/router', ...ENDS, interface: 'eth1', vrf: null, settings: SINGLE },
    { name: 'net/router (several hops)', ...ENDS, interface: null, vrf: null, settings: MULTIHOP },
  ]);
  const behind = { ...ENDS, remoteAddress: '10.9.0.2' };
  assert.deepEqual(endpoints(INTERNAL, { ends: behind }), [{ name: 'net/router', ...behind, interface: null, vrf: null, settings: MULTIHOP }]);
  assert.deepEqual(endpoints({ ...PEER, bfd: MULTIHOP }, { ends: ENDS })[0]?.settings, MULTIHOP, 'who asks for several hops has them');
});

test('with TTL security a peer of another AS is tried both ways, too, and nothing from further away is taken', () => {
  const secured: WantedPeer = { ...PEER, ttl: 255, minimumTtl: 255 };
  const ways = endpoints(secured, { ends: ENDS });
  assert.deepEqual(ways, [
    { name: 'net/router', ...ENDS, interface: 'eth1', vrf: null, settings: SINGLE },
    { name: 'net/router (several hops)', ...ENDS, interface: null, vrf: null, settings: { ...SINGLE, hops: { type: 'multihop', minimumTtl: 255 } } },
  ]);
  assert.deepEqual(endpoints(secured, { ends: ENDS, before: ways, links: [] }), ways);
  assert.equal(endpoints({ ...secured, bfd: MULTIHOP }, { ends: ENDS }).length, 1);
});

test('the interface is that of the VRF and the subnet, and none where packets may leave by another', () => {
  const blue: Link = { ...ETH1, index: 9, name: 'blue', kind: 'vrf', addresses: [] };
  const inBlue: Link = { ...ETH1, index: 4, name: 'eth4', master: 9 };
  assert.equal(interfaceOf({ ...PEER, vrf: 'blue' }, { ends: ENDS, links: [ETH1, inBlue, blue] }), 'eth4');
  assert.equal(interfaceOf(PEER, { ends: ENDS, links: [inBlue, ETH1, blue] }), 'eth1');
  const loopback: Link = { ...ETH1, index: 1, name: 'lo', loopback: true, addresses: addressed('10.0.0.1', 32) };
  assert.equal(interfaceOf(PEER, { ends: ENDS, links: [loopback, ETH1] }), 'eth1');
  assert.equal(interfaceOf(PEER, { ends: ENDS, links: [loopback] }), null, 'nobody is heard on it');
  const [one, other] = ['eth5', 'eth6'].map((name): Link => ({ ...ETH1, name, addresses: addressed('10.0.0.1', 32) }));
  assert.ok(one !== undefined && other !== undefined);
  assert.equal(interfaceOf(PEER, { ends: ENDS, links: [one] }), 'eth5');
  assert.equal(interfaceOf(PEER, { ends: ENDS, links: [one, other] }), null);
});

test('an address that is gone for now, or a BGP session that is made anew, makes no other session of it', () => {
  for (const peer of [PEER, INTERNAL]) {
    const before = endpoints(peer, { ends: ENDS });
    assert.deepEqual(endpoints(peer, { ends: ENDS, before, links: [{ ...ETH1, addresses: [] }] }), before);
    assert.deepEqual(endpoints(peer, { ends: null, before }), before);
  }
  const before = endpoints(PEER, { ends: ENDS });
  assert.deepEqual(endpoints({ ...PEER, remote: { type: 'address', address: '10.0.0.7' } }, { before }), []);
  const slower = { ...SINGLE, detectMultiplier: 9 };
  assert.deepEqual(endpoints({ ...PEER, bfd: slower }, { ends: ENDS, before, links: [] }).map(({ settings }) => settings), [slower]);
});
