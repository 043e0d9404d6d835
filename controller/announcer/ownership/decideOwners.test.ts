import { test } from 'node:test';
import assert from 'node:assert/strict';
import { UNABLE_LEASES } from './eligibleNodes.ts';
import { decide, decideFirst, members, vipOf } from './testing/given.ts';

const ABC = ['node-a', 'node-b', 'node-c'];
const VIP = '10.1.0.7';

/** Who gets VIP of two equal nodes: what the hash says is of no interest here. */
function winnerOf(nodes: readonly string[]): { readonly winner: string; readonly loser: string } {
  const winner = decideFirst([vipOf(VIP, nodes)], members(nodes)).owner ?? '';
  return { winner, loser: nodes.find((node) => node !== winner) ?? '' };
}

test('an owner is one of the candidates, and the reason says how it was chosen', () => {
  const { owner, sharers, reason } = decideFirst([vipOf(VIP, ABC)], members(ABC));
  assert.ok(owner !== null && ABC.includes(owner));
  assert.deepEqual(sharers, []);
  assert.equal(reason, `${owner}, of 3 candidates: highest hash`);
});

test('the hash is what it always was: other bids would give VIPs two owners during an upgrade', () => {
  const decisions = decide(['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1', '2001:db8::2'].map((address) => vipOf(address, ABC)), members(ABC));
  assert.deepEqual([...decisions.values()].map(({ owner }) => owner), ['node-c', 'node-a', 'node-a', 'node-b', 'node-a']);
});

test('members that are no candidates own nothing', () => {
  assert.equal(decideFirst([vipOf(VIP, ['node-b'])], members(ABC)).owner, 'node-b');
});

test('nobody owns a VIP that no node may announce', () => {
  assert.deepEqual(decideFirst([vipOf(VIP, [])], members(ABC)), { owner: null, sharers: [], reason: 'no node may announce it' });
});

test('nobody owns a VIP whose candidates are all dead, and some of them are named', () => {
  const { owner, reason } = decideFirst([vipOf(VIP, ['e', 'd', 'c', 'b', 'a'])], members(['node-a']));
  assert.equal(owner, null);
  assert.equal(reason, 'no candidate is alive: a, b, c and 2 more');
});

test('a node that lacks the interfaces a VIP wants does not get it', () => {
  const vip = vipOf(VIP, ABC, { interfaces: ['eth1', 'eth2'] });
  const alive = members(ABC, { 'node-a': { unable: ['4:eth1,eth2'] }, 'node-b': { unable: ['4:eth1,eth2', '6:eth9'] } });
  assert.deepEqual(decideFirst([vip], alive), { owner: 'node-c', sharers: [], reason: 'node-c, the only one of 3 candidates that can' });
  const none = decideFirst([vip], members(['node-a'], { 'node-a': { unable: ['4:eth1,eth2'] } }));
  assert.equal(none.reason, 'no candidate has an interface for ARP as asked for (eth1 or eth2): node-a');
});

test('an interface that cannot do NDP is no obstacle to an IPv4 VIP of the same wish', () => {
  const alive = members(['node-a'], { 'node-a': { unable: ['6:'] } });
  assert.equal(decideFirst([vipOf(VIP, ABC)], alive).owner, 'node-a');
  assert.equal(decideFirst([vipOf('2001:db8::7', ABC)], alive).reason, 'no candidate has an interface for NDP: node-a');
});

test('a node that is not ready owns nothing, whatever a VIP wants', () => {
  const { owner, reason } = decideFirst([vipOf(VIP, ABC)], members(['node-a'], { 'node-a': { unable: ['*'] } }));
  assert.equal(owner, null);
  assert.equal(reason, 'no candidate is ready (just started, without kernel forwarding, or not heard by the others): node-a');
});

test('a VIP that needs the proxy goes to a node whose proxy serves; the kernel alone needs none', () => {
  const { winner, loser } = winnerOf(['node-a', 'node-b']);
  const alive = members(['node-a', 'node-b'], { [winner]: { serving: false } });
  assert.equal(decideFirst([vipOf(VIP, ['node-a', 'node-b'], { needsProxy: true })], alive).owner, loser);
  assert.equal(decideFirst([vipOf(VIP, ['node-a', 'node-b'])], alive).owner, winner);
});

test('where no proxy serves the owner stays, until another one serves', () => {
  const nodes = ['node-a', 'node-b'];
  const { winner, loser } = winnerOf(nodes);
  const vip = vipOf(VIP, nodes, { needsProxy: true });
  const dark = decideFirst([vip], members(nodes, { [winner]: { serving: false }, [loser]: { serving: false, held: [VIP] } }));
  assert.deepEqual(dark, { owner: loser, sharers: [], reason: `${loser}, of 2 candidates: holds it and keeps it (no proxy of a candidate serves)` });
  const back = decideFirst([vip], members(nodes, { [loser]: { serving: false, held: [VIP] } }));
  assert.equal(back.owner, winner);
});

test('where no proxy serves and nothing was before, the hash decides and the reason says that none serves', () => {
  const { owner, reason } = decideFirst([vipOf(VIP, ['node-a'], { needsProxy: true })], members(['node-a'], { 'node-a': { serving: false } }));
  assert.equal(owner, 'node-a');
  assert.equal(reason, 'node-a, the only candidate; no proxy of a candidate serves');
});

test('who holds a VIP that is not sticky counts for nothing where a proxy serves', () => {
  const nodes = ['node-a', 'node-b'];
  const { winner, loser } = winnerOf(nodes);
  assert.equal(decideFirst([vipOf(VIP, nodes, { needsProxy: true })], members(nodes, { [loser]: { held: [VIP] } })).owner, winner);
});

test('more preferred nodes come first, and less preferred ones after them', () => {
  const vip = vipOf(VIP, [], { candidates: [{ node: 'node-a', preference: 1 }, { node: 'node-b', preference: 10 }, { node: 'node-c', preference: 1 }] });
  assert.deepEqual(decideFirst([vip], members(ABC)), { owner: 'node-b', sharers: [], reason: 'node-b, of 3 candidates, 1 of them preferred' });
  assert.notEqual(decideFirst([vip], members(['node-a', 'node-c'])).owner, null);
});

test('a sticky VIP stays with its holder, even when a better node comes', () => {
  const { winner, loser } = winnerOf(['node-a', 'node-b']);
  const alive = members(['node-a', 'node-b'], { [loser]: { held: [VIP] } });
  const vip = vipOf(VIP, ['node-a', 'node-b'], { sticky: true });
  assert.deepEqual(decideFirst([vip], alive), { owner: loser, sharers: [], reason: `${loser}, of 2 candidates: holds it and keeps it (sticky)` });
  assert.equal(decideFirst([{ ...vip, sticky: false }], alive).owner, winner);
  const preferred = { ...vip, candidates: [{ node: winner, preference: 5 }, { node: loser, preference: 1 }] };
  assert.deepEqual(decideFirst([preferred], alive), { owner: loser, sharers: [], reason: `${loser} holds it and keeps it (sticky)` });
});

test('a holder that may not announce a sticky VIP any more loses it', () => {
  const { winner, loser } = winnerOf(['node-a', 'node-b']);
  const held = { held: [VIP] };
  const vip = vipOf(VIP, ['node-a', 'node-b'], { sticky: true, needsProxy: true });
  assert.equal(decideFirst([vip], members(['node-a', 'node-b'], { [loser]: { ...held, serving: false } })).owner, winner);
  assert.equal(decideFirst([vip], members(['node-a', 'node-b'], { [loser]: { ...held, unable: ['4:'] } })).owner, winner);
  assert.equal(decideFirst([{ ...vip, candidates: [{ node: winner, preference: 0 }] }], members(['node-a', 'node-b'], { [loser]: held })).owner, winner);
});

test('of two holders, as after a partition, all nodes choose the same one', () => {
  const both = members(['node-a', 'node-b'], { 'node-a': { held: [VIP] }, 'node-b': { held: [VIP] } });
  const vip = vipOf(VIP, ['node-a', 'node-b'], { sticky: true });
  assert.equal(decideFirst([vip], both).owner, winnerOf(['node-a', 'node-b']).winner);
  const turned = new Map([...both].reverse());
  assert.equal(decideFirst([{ ...vip, candidates: [...vip.candidates].reverse() }], turned).owner, winnerOf(['node-a', 'node-b']).winner);
});

test('sticky VIPs that are held leave the others where they are', () => {
  const others = Array.from({ length: 40 }, (_, index) => vipOf(`10.2.0.${index}`, ABC));
  const sticky = Array.from({ length: 40 }, (_, index) => vipOf(`10.3.0.${index}`, ABC, { sticky: true }));
  const held = sticky.map(({ address }) => address);
  const free = decide([...others, ...sticky], members(ABC));
  const kept = decide([...others, ...sticky], members(ABC, { 'node-a': { held } }));
  for (const { address } of others) assert.equal(kept.get(address)?.owner, free.get(address)?.owner);
  for (const address of held) assert.equal(kept.get(address)?.owner, 'node-a');
});

test('a VIP that is shared per client has all its candidates that can, sorted, and no owner', () => {
  const vip = vipOf(VIP, ['node-c', 'node-a', 'node-b'], { sharing: 'perClient', needsProxy: true });
  const alive = members(ABC, { 'node-b': { serving: false } });
  assert.deepEqual(decideFirst([vip], alive), {
    owner: null, sharers: ['node-a', 'node-c'], reason: 'shared by 2 of 3 candidates, each for its clients',
  });
});

test('with quorum, nobody owns anything unless more than half of the known nodes are alive', () => {
  const vips = [vipOf(VIP, ABC)];
  const half = decideFirst(vips, members(['node-a', 'node-b']), { quorum: true, knownNodes: 4 });
  assert.deepEqual(half, { owner: null, sharers: [], reason: 'quorum: 2 of 4 nodes are alive, more than half must be' });
  assert.notEqual(decideFirst(vips, members(ABC), { quorum: true, knownNodes: 4 }).owner, null);
  assert.notEqual(decideFirst(vips, members(['node-a']), { quorum: false, knownNodes: 4 }).owner, null);
});

test('a VIP with a Lease goes to nobody who could not hold that', () => {
  const { winner, loser } = winnerOf(['node-a', 'node-b']);
  const nodes = ['node-a', 'node-b'];
  const vip = vipOf(VIP, nodes, { ownership: 'lease' });
  const unable = { unable: [UNABLE_LEASES] };
  assert.equal(decideFirst([vip], members(nodes, { [winner]: unable })).owner, loser);
  assert.equal(decideFirst([vipOf(VIP, nodes)], members(nodes, { [winner]: unable })).owner, winner);
  const { owner, reason } = decideFirst([vip], members(nodes, { [winner]: unable, [loser]: unable }));
  assert.equal(owner, null);
  assert.match(reason, /^no candidate can hold its Lease .* node-a, node-b/);
});
