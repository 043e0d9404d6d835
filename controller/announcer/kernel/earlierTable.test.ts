import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeListing, printRemoval } from './earlierTable.ts';

test('the names in a listing are read, and one that nobody here gives makes all of it unknown', () => {
  const listing = (name: string): string => JSON.stringify({ nftables: [{ metainfo: {} }, { table: { name: 'gatehouse' } }, { chain: { name: 'refuse' } }, { set: { name } }, { map: { name: 'ports4' } }, { rule: {} }] });
  assert.deepEqual(decodeListing(listing('clients-tcp-192.0.2.1-80-10.0.0.1-80')), { chains: ['refuse'], sets: ['clients-tcp-192.0.2.1-80-10.0.0.1-80'], maps: ['ports4'] });
  for (const text of [listing('a b'), listing('x; flush ruleset'), '', '{', '[]', 'null', '{"nftables":7}']) assert.equal(decodeListing(text), null, text);
});

test('all goes but the sets that are needed still; what is unknown goes as a whole', () => {
  assert.equal(printRemoval({ chains: ['a'], sets: ['keep', 'drop'], maps: ['m'] }, new Set(['keep'])), [
    'flush table inet gatehouse',
    'flush map inet gatehouse m',
    'delete map inet gatehouse m',
    'delete set inet gatehouse drop',
    'delete chain inet gatehouse a',
    '',
  ].join('\n'));
  assert.equal(printRemoval(null, new Set()), 'add table inet gatehouse\ndelete table inet gatehouse\n');
});
