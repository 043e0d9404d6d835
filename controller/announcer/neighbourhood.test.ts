import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNeighbourBook, NEIGHBOUR_GRACE_MS, type NeighbourFacts } from './neighbourhood.ts';
import type { Link, MemberState } from './parts.ts';

const ABLE: MemberState = { serving: true, unable: [], held: [] };
const UNABLE: MemberState = { ...ABLE, unable: ['*'] };

function link(index: number, cidrs: readonly string[], changes: Partial<Link> = {}): Link {
  const addresses = cidrs.map((cidr) => ({ address: cidr.split('/')[0] ?? '', prefixLength: Number(cidr.split('/')[1]), usable: true }));
  return { index, name: `eth${index}`, mac: '02:00:00:00:00:01', up: true, loopback: false, noArp: false, broadcast: true, master: null, kind: '', addresses, ...changes };
}

const NODES = new Map([['a', ['192.0.2.1', 'fd00::1']], ['b', ['192.0.2.2', 'fd00::2']], ['c', ['198.51.100.3']]]);
const LINKS = [link(2, ['192.0.2.1/24', 'fd00::1/64', 'fe80::1/64']), link(3, ['10.0.0.1/24'])];

function facts(changes: Partial<NeighbourFacts> = {}): NeighbourFacts {
  return { nodes: NODES, links: LINKS, alive: new Map([['a', ABLE], ['b', ABLE], ['c', ABLE]]), nowMs: 0, ...changes };
}

test('neighbours are living nodes with an address on a link, and that link is how clients may come in', () => {
  assert.deepEqual(createNeighbourBook('a').look(facts()), { uplinks: [2], neighbours: new Map([['b', ['192.0.2.2', 'fd00::2']]]) });
});

test('a node that cannot forward yet, that is not alive or behind a router is none', () => {
  const alive = new Map([['b', UNABLE], ['c', ABLE]]);
  assert.deepEqual(createNeighbourBook('a').look(facts({ alive })), { uplinks: [2], neighbours: new Map() });
});

test('links that are down, tunnels and the loopback lead to nobody', () => {
  for (const changes of [{ up: false }, { noArp: true }, { mac: '' }, { loopback: true }]) {
    assert.deepEqual(createNeighbourBook('a').look(facts({ links: [link(2, ['192.0.2.1/24'], changes)] })), { uplinks: [], neighbours: new Map() });
  }
});

test('until members were heard nothing is known of neighbours, and then no longer', () => {
  const book = createNeighbourBook('a');
  assert.deepEqual(book.look(facts({ alive: null })), { uplinks: [2], neighbours: null });
  assert.equal(book.look(facts()).neighbours?.size, 1);
  assert.equal(book.look(facts({ alive: null })).neighbours?.size, 1);
});

test('a node that is heard no more is a neighbour for a while, as its kernel forwards on', () => {
  const book = createNeighbourBook('a');
  const first = book.look(facts());
  assert.equal(book.look(facts({ alive: new Map(), nowMs: NEIGHBOUR_GRACE_MS - 1 })), first);
  assert.equal(book.look(facts({ alive: new Map(), nowMs: NEIGHBOUR_GRACE_MS })).neighbours?.size, 0);
});
