import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberState } from '../parts.ts';
import { decideOwners } from './decideOwners.ts';
import type { Decision } from './decision.ts';
import { UNABLE_LEASES } from './eligibleNodes.ts';
import { leasedOwners, leasesWanted } from './leasedOwners.ts';
import { mapOfVips, members, vipOf } from './testing/given.ts';

const BOTH = ['node-a', 'node-b'];
/** Of two nodes node-a is to own the first of these, node-b the second. */
const OURS = '10.1.0.0';
const THEIRS = '10.1.0.4';
const VIPS = mapOfVips([vipOf(OURS, BOTH, { ownership: 'lease' }), vipOf(THEIRS, BOTH, { ownership: 'lease' }), vipOf('10.1.0.1', BOTH)]);

/** As node-a sees it. */
function decide(rights: readonly string[], alive: ReadonlyMap<string, MemberState> = members(BOTH), quorum = false) {
  const input = { vips: VIPS, alive, knownNodes: 2, quorum };
  const wished = decideOwners(input);
  const decisions = leasedOwners(wished, input, { self: 'node-a', rights: new Set(rights) });
  const of = (address: string): Decision | undefined => decisions.get(address);
  return { wished, of };
}

test('who is to own a VIP and holds no Lease of it does not own it, and wants it', () => {
  const { wished, of } = decide([]);
  assert.equal(of(OURS)?.owner, null);
  assert.match(of(OURS)?.reason ?? '', /^node-a is to own it .* and does not hold its Lease yet$/);
  assert.deepEqual(leasesWanted(wished, VIPS, 'node-a'), [OURS]);
  assert.deepEqual(of('10.1.0.1'), wished.get('10.1.0.1'), 'without a Lease nothing is different');
});

test('the holder owns it, also while another is to take it over', () => {
  const { of } = decide([OURS, THEIRS]);
  assert.equal(of(OURS)?.owner, 'node-a');
  assert.equal(of(THEIRS)?.owner, 'node-a');
  assert.equal(of(THEIRS)?.reason, 'node-a holds its Lease, until node-b takes it over');
});

test('of other nodes it is believed what they say that they hold', () => {
  const { of } = decide([], members(BOTH, { 'node-b': { held: [THEIRS] } }));
  assert.deepEqual(of(THEIRS), { owner: 'node-b', sharers: [], reason: 'node-b says that it holds its Lease' });
  assert.equal(decide([OURS], members(BOTH, { 'node-b': { held: [OURS] } })).of(OURS)?.owner, 'node-a', 'its own right is what it knows');
});

test('a holder that cannot renew answers until its right ends, one that cannot answer does not', () => {
  const { wished, of } = decide([OURS], members(BOTH, { 'node-a': { unable: [UNABLE_LEASES] } }));
  assert.equal(wished.get(OURS)?.owner, 'node-b');
  assert.equal(of(OURS)?.owner, 'node-a');
  assert.equal(decide([OURS], members(BOTH, { 'node-a': { unable: ['4:', UNABLE_LEASES] } })).of(OURS)?.owner, null);
  assert.equal(decide([OURS], members(['node-b'])).of(OURS)?.owner, null, 'it stops');
  assert.equal(decide([OURS], members(['node-a']), true).of(OURS)?.owner, null, 'it has no quorum');
});
