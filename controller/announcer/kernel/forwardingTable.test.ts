import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { L4Key } from '../../../core/ir/l4.ts';
import type { ForwardedPort } from '../wanted.ts';
import { createForwardingTable, type TableChange } from './forwardingTable.ts';
import { printChange } from './printChange.ts';
import { pieceId, type TablePiece } from './tablePiece.ts';
import { seededRandom } from '../../../core/testing/seededRandom.ts';
import { endpoints, forwarded, nextWanted, proxied, wanted } from './testing/ports.ts';

const SEED = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 2 ** 31);

/** Applies a change to a model of its own, and fails where the kernel would. */
function applyTo(model: Map<string, TablePiece>, { added, removed, replaced }: TableChange): void {
  for (const piece of added) assert.ok(!model.has(pieceId(piece)), `${pieceId(piece)} is there already`);
  for (const piece of removed) assert.ok(model.delete(pieceId(piece)), `${pieceId(piece)} is not there`);
  for (const { piece, before } of replaced) assert.deepEqual(model.get(pieceId(piece)), before);
  for (const piece of [...added, ...replaced.map((each) => each.piece)]) model.set(pieceId(piece), piece);
}

/** Chains and sets that the pieces name, and that are neither among them nor fixed. */
function dangling(model: ReadonlyMap<string, TablePiece>): string[] {
  const named = [...model.values()].flatMap((piece) => {
    if (piece.type === 'set' || piece.type === 'map') return [];
    const text = piece.type === 'chain' ? piece.rules.join('\n') : piece.value ?? '';
    return [...text.matchAll(/\b(?:goto|jump) ([\w.-]+)/g)].map(([, name = '']) => `chain ${name}`)
      .concat([...text.matchAll(/@(clients-[\w.-]+)/g)].map(([, name = '']) => `set ${name}`))
      .concat([...text.matchAll(/@(slots-[\w.-]+)/g)].map(([, name = '']) => `map ${name}`));
  });
  const fixed = new Set(['refuse', 'refuse-others', 'hide-source', 'keep-source4', 'keep-source6', 'keep-own4', 'keep-own6'].map((name) => `chain ${name}`));
  return named.filter((name) => !model.has(name) && !fixed.has(name));
}

test(`differences lead where planning afresh leads, over a random history (GATEHOUSE_SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  const table = createForwardingTable();
  const model = new Map<string, TablePiece>();
  let ports: ReadonlyMap<L4Key, ForwardedPort> = new Map();
  for (let step = 0; step < 150; step += 1) {
    ports = nextWanted(ports, random);
    applyTo(model, table.change(ports));
    const fresh = createForwardingTable();
    fresh.change(ports);
    assert.deepEqual(model, fresh.pieces(), `step ${step}`);
    assert.deepEqual(dangling(model), [], `step ${step}`);
  }
  applyTo(model, table.change(new Map()));
  assert.equal(model.size, 0);
});

test('a wanted state that is the same, object by object or only in content, changes nothing', () => {
  const table = createForwardingTable();
  const build = (): ForwardedPort => forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080', '10.0.0.2:8080'));
  table.change(wanted(build()));
  const change = table.change(wanted(build()));
  assert.deepEqual(change, { added: [], removed: [], replaced: [], ports: [] });
  assert.equal(printChange(change), '');
});

test('an endpoint more rewrites the elements of its port only, and brings the chain for as many slots', () => {
  const table = createForwardingTable();
  const others = [1, 2, 3].map((number) => forwarded(`192.0.2.${number}`, 81, endpoints('10.0.0.1:8080')));
  table.change(wanted(...others, forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080'))));
  const change = table.change(wanted(...others, forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080', '10.0.0.2:8080'))));
  assert.equal(printChange(change), [
    'add map inet gatehouse slots-random4-2 { typeof numgen random mod 2 . ip daddr . meta l4proto . th dport : ip daddr . th dport; }',
    'add chain inet gatehouse random4-2',
    'delete element inet gatehouse slots-random4-1 { 0 . 192.0.2.1 . tcp . 80 }',
    'delete element inet gatehouse ports4 { 192.0.2.1 . tcp . 80 }',
    'add rule inet gatehouse random4-2 meta l4proto { tcp, udp } dnat ip to numgen random mod 2 . ip daddr . meta l4proto . th dport map @slots-random4-2',
    'add element inet gatehouse slots-random4-2 { 0 . 192.0.2.1 . tcp . 80 : 10.0.0.1 . 8080, 1 . 192.0.2.1 . tcp . 80 : 10.0.0.2 . 8080 }',
    'add element inet gatehouse ports4 { 192.0.2.1 . tcp . 80 : goto random4-2 }',
    '',
  ].join('\n'));
});

test('the last port of a VIP takes all of the VIP with it', () => {
  const table = createForwardingTable();
  table.change(wanted(proxied('2001:db8::1', 443), proxied('2001:db8::1', 80)));
  assert.equal(printChange(table.change(wanted(proxied('2001:db8::1', 443)))), 'delete element inet gatehouse proxied6 { 2001:db8::1 . tcp . 80 }\n');
  assert.equal(printChange(table.change(new Map())), [
    'delete element inet gatehouse vips6 { 2001:db8::1 }',
    'delete element inet gatehouse proxied6 { 2001:db8::1 . tcp . 443 }',
    '',
  ].join('\n'));
});

test('an endpoint that leaves a port with affinity takes its own clients only', () => {
  const table = createForwardingTable();
  const affine = (...list: string[]): ForwardedPort => forwarded('192.0.2.1', 80, endpoints(...list), { affinityTimeoutMs: 10_800_000 });
  table.change(wanted(affine('10.0.0.1:8080', '10.0.0.2:8080')));
  assert.equal(printChange(table.change(wanted(affine('10.0.0.1:8080')))), [
    'flush chain inet gatehouse affinity-tcp-192.0.2.1-80',
    'add rule inet gatehouse affinity-tcp-192.0.2.1-80 ip saddr @clients-tcp-192.0.2.1-80-10.0.0.1-8080 goto to-tcp-192.0.2.1-80-10.0.0.1-8080',
    'add rule inet gatehouse affinity-tcp-192.0.2.1-80 numgen random mod 1 vmap { 0 : goto to-tcp-192.0.2.1-80-10.0.0.1-8080 }',
    'flush chain inet gatehouse to-tcp-192.0.2.1-80-10.0.0.2-8080',
    'delete chain inet gatehouse to-tcp-192.0.2.1-80-10.0.0.2-8080',
    'delete set inet gatehouse clients-tcp-192.0.2.1-80-10.0.0.2-8080',
    '',
  ].join('\n'));
});
