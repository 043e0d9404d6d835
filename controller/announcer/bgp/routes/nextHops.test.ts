import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressFamily } from '../codec/message.ts';
import { linkOf } from '../testing/bgpFacts.ts';
import { nextHopOf } from './nextHops.ts';

const LINKS = [linkOf('eth0', '10.0.0.1', '2001:db8::1', 'fe80::1'), linkOf('eth1', '10.0.1.1', 'fe80::2')];

function hop(family: AddressFamily, localAddress: string, extendedNextHop = false): string {
  const found = nextHopOf(family, { ends: { localAddress, remoteAddress: '' }, extendedNextHop }, LINKS);
  return found.ok ? [found.nextHop, ...(found.linkLocal === null ? [] : [found.linkLocal])].join(' ') : found.reason;
}

test('the next hop is the address of the session where that is of the family', () => {
  assert.equal(hop('ipv4', '10.0.0.1'), '10.0.0.1');
  assert.equal(hop('ipv6', '2001:db8::1'), '2001:db8::1');
  assert.equal(hop('ipv4', '198.51.100.1'), '198.51.100.1');
});

test('else it is one of the family on the interface of the session', () => {
  assert.equal(hop('ipv6', '10.0.0.1'), '2001:db8::1');
  assert.equal(hop('ipv4', '2001:db8::1'), '10.0.0.1');
  assert.equal(hop('ipv4', 'fe80::2'), '10.0.1.1');
  assert.match(hop('ipv6', '10.0.1.1'), /^eth1 has no IPv6 address/);
  assert.match(hop('ipv6', '198.51.100.1'), /^no interface has 198.51.100.1/);
});

test('over a link-local session the link-local address goes beside a global one, or alone', () => {
  assert.equal(hop('ipv6', 'fe80::1'), '2001:db8::1 fe80::1');
  assert.equal(hop('ipv6', 'fe80::2'), 'fe80::2');
});

test('an address for one host alone, such as a VIP that is bound here, is the next hop only where there is no other', () => {
  const [vip, own] = [{ address: '192.0.2.1', prefixLength: 32, usable: true }, { address: '10.0.2.1', prefixLength: 24, usable: true }];
  const over = (addresses: readonly (typeof vip)[]) =>
    nextHopOf('ipv4', { ends: { localAddress: '2001:db8::1', remoteAddress: '' }, extendedNextHop: false }, [{ ...linkOf('eth0', '2001:db8::1'), addresses: [...linkOf('eth0', '2001:db8::1').addresses, ...addresses] }]);
  assert.deepEqual(over([vip, own]), { ok: true, nextHop: '10.0.2.1', linkLocal: null });
  assert.deepEqual(over([vip]), { ok: true, nextHop: '192.0.2.1', linkLocal: null });
});

test('IPv4 routes have an IPv6 next hop only where no IPv4 address is there and both sides can', () => {
  const only6 = [linkOf('eth2', '2001:db8:2::1', 'fe80::3')];
  const over = (localAddress: string, extendedNextHop: boolean) => nextHopOf('ipv4', { ends: { localAddress, remoteAddress: '' }, extendedNextHop }, only6);
  assert.deepEqual(over('fe80::3', true), { ok: true, nextHop: '2001:db8:2::1', linkLocal: 'fe80::3' });
  assert.deepEqual(over('2001:db8:2::1', true), { ok: true, nextHop: '2001:db8:2::1', linkLocal: null });
  assert.equal(over('2001:db8:2::1', false).ok, false);
  assert.equal(hop('ipv4', 'fe80::2', true), '10.0.1.1');
});
