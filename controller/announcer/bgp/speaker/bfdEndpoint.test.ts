import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BfdSettings } from '../../bfd/bfdSettings.ts';
import type { Link } from '../../parts.ts';
import { bfdEndpointOf } from './bfdEndpoint.ts';
import { wantedPeer } from './testing/speakerFacts.ts';

const SINGLE: BfdSettings = { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3, echoIntervalMs: null, passive: false, hops: { type: 'single' } };
const ETH1: Link = {
  index: 3, name: 'eth1', mac: '02:00:00:00:00:03', up: true, loopback: false, noArp: false, broadcast: true, master: null, kind: '',
  addresses: [{ address: '10.0.0.1', prefixLength: 24, usable: true }],
};
const ENDS = { localAddress: '10.0.0.1', remoteAddress: '10.0.0.2' };

test('a session needs both addresses, wherever they are known from', () => {
  const peer = wantedPeer('net/router', { bfd: SINGLE, sourceAddress: null, remote: { type: 'address', address: '10.0.0.2' } });
  assert.equal(bfdEndpointOf(peer, null, [ETH1]), null);
  assert.deepEqual(bfdEndpointOf({ ...peer, sourceAddress: '10.0.0.1' }, null, [ETH1]), {
    name: 'net/router', ...ENDS, interface: 'eth1', vrf: null, settings: SINGLE,
  });
  assert.equal(bfdEndpointOf(peer, ENDS, [ETH1])?.interface, 'eth1');
});

test('several hops are bound to no interface, an unnumbered peer to its own, and nobody else has a session', () => {
  const multihop: BfdSettings = { ...SINGLE, hops: { type: 'multihop', minimumTtl: 250 } };
  assert.equal(bfdEndpointOf(wantedPeer('a', { bfd: multihop }), ENDS, [ETH1])?.interface, null);
  const unnumbered = wantedPeer('a', { bfd: SINGLE, sourceAddress: null, remote: { type: 'interface', interface: 'eth7' } });
  assert.equal(bfdEndpointOf(unnumbered, null, [ETH1]), null);
  assert.equal(bfdEndpointOf(unnumbered, { localAddress: 'fe80::1', remoteAddress: 'fe80::2' }, [ETH1])?.interface, 'eth7');
  assert.equal(bfdEndpointOf(wantedPeer('a', { bfd: null }), ENDS, [ETH1]), null);
  assert.equal(bfdEndpointOf(wantedPeer('a', { bfd: SINGLE, shutdown: '' }), ENDS, [ETH1]), null);
});
