import { test } from 'node:test';
import assert from 'node:assert/strict';
import { seededRandom, testSeed } from '../../../core/testing/seededRandom.ts';
import { decide, members, movedBetween, pool, vipOf } from './testing/given.ts';
import { evenShare, spreadEvenly } from './spreadEvenly.ts';

const SEED = testSeed();

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items.map((item) => ({ item, key: random() })).sort((a, b) => a.key - b.key).map(({ item }) => item);
}

function nodesOf(count: number, prefix: string): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

function loads(owners: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return counts;
}

test('as many VIPs as nodes: each node has one', () => {
  for (const count of [1, 2, 3, 5, 10]) {
    const nodes = nodesOf(count, 'node');
    const decisions = decide(pool(count).map((address) => vipOf(address, nodes)), members(nodes));
    assert.deepEqual(new Set([...decisions.values()].map(({ owner }) => owner)), new Set(nodes));
  }
});

test(`no node has more than its share, and whatever the order, all decide alike (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 60; round += 1) {
    const nodes = nodesOf(1 + Math.floor(random() * 12), `n${Math.floor(random() * 1e6)}`);
    const addresses = pool(1 + Math.floor(random() * 400), `10.${Math.floor(random() * 256)}`);
    const placed = spreadEvenly({ nodes, addresses: new Map(addresses.map((address) => [address, null])) });
    assert.equal(placed.size, addresses.length);
    for (const load of loads([...placed.values()].map(({ node }) => node)).values()) assert.ok(load <= evenShare(addresses.length, nodes.length));
    const again = spreadEvenly({ nodes: shuffled(nodes, random), addresses: new Map(shuffled(addresses, random).map((address) => [address, null])) });
    for (const [address, { node }] of placed) assert.equal(again.get(address)?.node, node);
  }
});

test(`what is fixed as it was leaves the rest as it was, so that nodes that hear of it later agree (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 60; round += 1) {
    const nodes = nodesOf(2 + Math.floor(random() * 8), `n${Math.floor(random() * 1e6)}`);
    const addresses = pool(1 + Math.floor(random() * 100));
    const placed = spreadEvenly({ nodes, addresses: new Map(addresses.map((address) => [address, null])) });
    const fixed = new Map(addresses.map((address) => [address, random() < 0.5 ? placed.get(address)?.node ?? null : null]));
    const again = spreadEvenly({ nodes, addresses: fixed });
    for (const [address, { node }] of placed) assert.equal(again.get(address)?.node, node);
  }
});

test(`holders may have more than their share: everybody else still finds room (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 60; round += 1) {
    const nodes = nodesOf(1 + Math.floor(random() * 8), 'n');
    const addresses = pool(1 + Math.floor(random() * 100));
    const greedy = nodes[0] ?? '';
    const keepers = new Map(addresses.map((address) => [address, random() < 0.7 ? greedy : null]));
    const placed = spreadEvenly({ nodes, addresses: keepers });
    assert.equal(placed.size, addresses.length);
    for (const [address, keeper] of keepers) if (keeper !== null) assert.equal(placed.get(address)?.node, keeper);
  }
});

test(`a node that goes moves little but its own, and when it returns all is as before (seed ${SEED})`, (t) => {
  const random = seededRandom(SEED);
  const rounds = 20;
  for (const [count, nodeCount] of [[3, 3], [30, 3], [1_000, 3], [1_000, 10]] as const) {
    let necessary = 0;
    let extra = 0;
    for (let round = 0; round < rounds; round += 1) {
      const nodes = nodesOf(nodeCount, `n${Math.floor(random() * 1e6)}`);
      const vips = pool(count, `10.${Math.floor(random() * 256)}`).map((address) => vipOf(address, nodes));
      const before = decide(vips, members(nodes));
      const gone = nodes[Math.floor(random() * nodes.length)];
      const without = decide(vips, members(nodes.filter((node) => node !== gone)));
      const own = [...before.values()].filter(({ owner }) => owner === gone).length;
      necessary += own;
      extra += movedBetween(before, without).length - own;
      assert.deepEqual(decide(vips, members(nodes)), before);
    }
    t.diagnostic(`${count} VIPs, ${nodeCount} nodes, one goes: ${(necessary / rounds).toFixed(1)} must move, ${(extra / rounds).toFixed(2)} others do (mean of ${rounds})`);
    assert.ok(extra / rounds <= Math.max(2, count * 0.03), `${extra / rounds} of ${count} moved without need`);
  }
});

test(`one VIP more or less moves few of the others (seed ${SEED})`, (t) => {
  const random = seededRandom(SEED);
  const rounds = 20;
  for (const [count, nodeCount] of [[3, 3], [10, 3], [30, 3], [1_000, 3], [1_000, 10]] as const) {
    let moved = 0;
    for (let round = 0; round < rounds; round += 1) {
      const nodes = nodesOf(nodeCount, `n${Math.floor(random() * 1e6)}`);
      const vips = pool(count, `10.${Math.floor(random() * 256)}`).map((address) => vipOf(address, nodes));
      const more = [...vips, vipOf('192.0.2.200', nodes)];
      moved += movedBetween(decide(vips, members(nodes)), decide(more, members(nodes))).length;
    }
    t.diagnostic(`${count} VIPs, ${nodeCount} nodes, one VIP more: ${(moved / rounds).toFixed(2)} others move (mean of ${rounds})`);
    assert.ok(moved / rounds <= Math.max(2, count * 0.01), `${moved / rounds} of ${count} moved`);
  }
});

test('VIPs of other candidates come and go without moving any', () => {
  const nodes = nodesOf(4, 'node');
  const vips = pool(50).map((address) => vipOf(address, nodes));
  const local = pool(50, '10.9').map((address) => vipOf(address, nodes.slice(0, 2)));
  assert.deepEqual(movedBetween(decide(vips, members(nodes)), decide([...local, ...vips], members(nodes))), []);
});
