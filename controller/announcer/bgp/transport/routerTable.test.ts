import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRouterTable } from './routerTable.ts';

test('the router heard first stays chosen until it does not answer, then the next one is', () => {
  const table = createRouterTable();
  assert.equal(table.chosen(), null);
  assert.equal(table.heard('fe80::1', 0), true);
  assert.equal(table.heard('fe80::2', 0), true);
  assert.equal(table.heard('fe80::1', 0), false);
  assert.equal(table.chosen(), 'fe80::1');
  table.failed('fe80::1');
  assert.equal(table.chosen(), 'fe80::2');
  table.failed('fe80::2');
  assert.equal(table.chosen(), 'fe80::1', 'one that has failed is tried again before none is');
});

test('a router that is silent is asked to speak up, and then forgotten', () => {
  const table = createRouterTable();
  assert.equal(table.isQuiet(0), true);
  table.heard('fe80::1', 0);
  assert.equal(table.isQuiet(29_999), false);
  assert.equal(table.isQuiet(30_000), true);
  table.heard('fe80::1', 30_000);
  assert.equal(table.isQuiet(59_999), false);
  table.heard('fe80::2', 119_999);
  assert.equal(table.isQuiet(120_000), false);
  assert.equal(table.chosen(), 'fe80::2');
});

test('a flood of routers does not displace the one that is spoken to, and is not kept', () => {
  const table = createRouterTable();
  for (let host = 1; host <= 1_000; host += 1) table.heard(`fe80::${host.toString(16)}`, host);
  assert.equal(table.chosen(), 'fe80::1');
  const seen = new Set<string | null>();
  for (let turn = 0; turn < 100; turn += 1) {
    seen.add(table.chosen());
    table.failed(table.chosen() ?? '');
  }
  assert.equal(seen.size, 8);
});
