import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '../parts.ts';
import { EXCLUDED_INTERFACES } from '../wanted.ts';
import { chooseInterfaces, describeInterfaces } from './chooseInterfaces.ts';
import { surveyInterfaces, type InterfaceSurvey } from './surveyInterfaces.ts';

const LINK_LOCAL = { address: 'fe80::1', prefixLength: 64, usable: true };

function link(index: number, name: string, facts: Partial<Link> = {}): Link {
  const mac = `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`;
  return { index, name, mac, up: true, loopback: false, noArp: false, broadcast: true, master: null, kind: '', addresses: [LINK_LOCAL], ...facts };
}

function survey(links: readonly Link[], routes: Readonly<Record<string, number>> = {}): InterfaceSurvey {
  return surveyInterfaces({ links, excluded: EXCLUDED_INTERFACES, routeTo: (address) => routes[address] ?? null });
}

/** Names of the chosen, and reasons of the others. */
function choose(of: InterfaceSurvey, wish: readonly string[] = [], family: 'IPv4' | 'IPv6' = 'IPv4'): { readonly chosen: readonly string[]; readonly unused: object } {
  const { chosen, unused } = chooseInterfaces(of, wish, family);
  return { chosen: chosen.map(({ name }) => name), unused: Object.fromEntries(unused) };
}

const LO = link(1, 'lo', { mac: '', loopback: true, broadcast: false });

test('without a wish every interface is used that can be, and each other one says why not', () => {
  const all = survey([
    LO, link(2, 'eth0'), link(3, 'eth1', { up: false }), link(4, 'tun0', { mac: '' }), link(5, 'ppp0', { noArp: true }),
    link(6, 'cni0', { kind: 'bridge' }), link(7, 'eth0.100', { kind: 'vlan' }), link(8, 'eth2', { broadcast: false }),
  ]);
  assert.deepEqual(choose(all), {
    chosen: ['eth0', 'eth0.100'],
    unused: {
      lo: 'is a loopback interface', eth1: 'is down, or has no carrier', tun0: 'has no Ethernet address', ppp0: 'does not speak ARP (NOARP)',
      cni0: 'is excluded by the pattern ^cni.*: name it to use it', eth2: 'cannot broadcast, as ARP must',
    },
  });
});

test('the chosen come with index and Ethernet address', () => {
  assert.deepEqual(chooseInterfaces(survey([link(2, 'eth0')]), [], 'IPv4').chosen, [{ index: 2, name: 'eth0', mac: '02:00:00:00:00:02' }]);
});

test('IPv6 needs a usable link-local address, and no broadcast', () => {
  const address = (text: string, usable = true): Partial<Link> => ({ addresses: [{ address: text, prefixLength: 64, usable }], broadcast: false });
  const of = survey([
    link(2, 'a', address('fe80::2')), link(3, 'b', address('febf::2')), link(4, 'c', address('fe80::2', false)),
    link(5, 'd', address('2001:db8::1')), link(6, 'e', address('fe8::1')), link(7, 'f', address('fec0::1')), link(8, 'g', { addresses: [] }),
  ]);
  assert.deepEqual(choose(of, [], 'IPv6').chosen, ['a', 'b']);
  assert.match(Object.values(choose(of, [], 'IPv6').unused).join(), /no usable link-local address/);
});

test('names, regular expressions and routes choose; the rest was not asked for', () => {
  const of = survey([LO, link(2, 'eth0'), link(3, 'eth1'), link(4, 'ens5')], { '198.51.100.1': 4 });
  assert.deepEqual(choose(of, ['eth1']), {
    chosen: ['eth1'], unused: { lo: 'is a loopback interface', eth0: 'is not among the interfaces asked for', ens5: 'is not among the interfaces asked for' },
  });
  assert.deepEqual(choose(of, ['/^eth/']).chosen, ['eth0', 'eth1']);
  assert.deepEqual(choose(of, ['/h1/', 'can_reach:198.51.100.1']).chosen, ['eth1', 'ens5']);
  assert.deepEqual(choose(of, ['can_reach:203.0.113.1', 'eth9', '/(/', '/', '//']).chosen, []);
});

test('an excluded interface is used when it is named, not when a pattern or a route finds it', () => {
  const of = survey([link(2, 'docker0', { kind: 'bridge' })], { '172.17.0.2': 2 });
  assert.deepEqual(choose(of, ['docker0']).chosen, ['docker0']);
  for (const wish of [[], ['/docker/'], ['can_reach:172.17.0.2']]) assert.deepEqual(choose(of, wish).chosen, []);
});

test('who belongs to a bond, bridge or team stands for it, however deep, and says so', () => {
  const of = survey([
    link(2, 'eth0', { master: 4 }), link(3, 'eth1', { master: 4 }), link(4, 'bond0', { kind: 'bond', master: 5 }), link(5, 'br0', { kind: 'bridge' }),
  ]);
  for (const wish of [[], ['eth0'], ['bond0'], ['br0'], ['/^eth1$/']]) assert.deepEqual(choose(of, wish).chosen, ['br0'], wish.join());
  assert.deepEqual(choose(of, ['eth0']).unused, {
    eth0: 'belongs to br0, which stands for it', eth1: 'belongs to br0, which stands for it', bond0: 'belongs to br0, which stands for it',
  });
});

test('naming a member names the excluded bridge it belongs to; a pattern that finds a member does not', () => {
  const of = survey([link(2, 'eth0', { master: 3 }), link(3, 'virbr0', { kind: 'bridge' }), link(4, 'veth12', { master: 5 }), link(5, 'br0', { kind: 'bridge' })]);
  assert.deepEqual(choose(of, ['eth0']).chosen, ['virbr0']);
  assert.deepEqual(choose(of, ['/^eth/']).chosen, []);
  // The veth of a container is excluded, so it brings nothing in.
  assert.deepEqual(choose(of, ['/^veth/']).chosen, []);
});

test('belonging to a VRF changes nothing; to something that cannot be seen, everything', () => {
  const of = survey([link(2, 'eth0', { master: 3 }), link(3, 'blue', { kind: 'vrf', noArp: true }), link(4, 'eth1', { master: 77 })]);
  assert.deepEqual(choose(of, ['eth0', 'eth1']), {
    chosen: ['eth0'], unused: { blue: 'does not speak ARP (NOARP)', eth1: 'belongs to another interface, which cannot be seen from here' },
  });
});

test('interfaces that belong to each other in a circle end the search', () => {
  const of = survey([link(2, 'a', { master: 3 }), link(3, 'b', { master: 2 })]);
  assert.deepEqual(choose(of).chosen, []);
});

test('a route to an address of this machine leads to the interface that has it', () => {
  const of = survey([LO, link(2, 'eth0', { addresses: [{ address: '192.0.2.1', prefixLength: 24, usable: true }] }), link(3, 'eth1')], { '192.0.2.1': 1 });
  assert.deepEqual(choose(of, ['can_reach:192.0.2.1']).chosen, ['eth0']);
});

test('the report has every interface, used if any VIP uses it for any family', () => {
  const of = survey([LO, link(2, 'eth0', { addresses: [] }), link(3, 'docker0'), link(4, 'eth1', { up: false })]);
  const unused = (wishes: readonly (readonly string[])[]): unknown => describeInterfaces(of, wishes).map((report) => report.unused);
  assert.deepEqual(unused([]), ['is a loopback interface', '', 'is excluded by the pattern ^docker.*: name it to use it', 'is down, or has no carrier']);
  assert.deepEqual(unused([['docker0']]), ['is a loopback interface', 'is not among the interfaces asked for', '', 'is not among the interfaces asked for']);
  assert.deepEqual(describeInterfaces(of, [])[1], { name: 'eth0', mac: '02:00:00:00:00:02', up: true, unused: '' });
});
