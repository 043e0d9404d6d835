import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printCommunity, printLargeCommunity } from './printCommunity.ts';

test('communities are printed as people write them', () => {
  assert.equal(printCommunity(0xffff_0000), 'graceful-shutdown');
  assert.equal(printCommunity(0xffff_ff01), 'no-export');
  assert.equal(printCommunity(64512 * 65536 + 100), '64512:100');
  assert.equal(printCommunity(0xffff_ffff), '65535:65535');
  assert.equal(printLargeCommunity([4_200_000_000, 1, 2]), 'large:4200000000:1:2');
});
