import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForwardedPort } from '../wanted.ts';
import { planPort } from './planPort.ts';
import { pieceId } from './tablePiece.ts';
import { endpoints, forwarded, proxied } from './testing/ports.ts';

/** Each piece on a line. */
function print(port: ForwardedPort): string[] {
  return planPort(port).pieces.flatMap((piece) => {
    if (piece.type === 'chain') return piece.rules.map((rule) => `${piece.name}: ${rule}`);
    return piece.type === 'element' ? [piece.value === null ? pieceId(piece) : `${pieceId(piece)} : ${piece.value}`] : [pieceId(piece)];
  });
}

const BALANCE = 'random4-1: meta l4proto { tcp, udp } dnat ip to numgen random mod 1 . ip daddr . meta l4proto . th dport map @slots-random4-1';

test('a port with one endpoint for all, whose source is hidden', () => {
  assert.deepEqual(print(forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080'))), [
    'vips4 192.0.2.1',
    'map slots-random4-1',
    BALANCE,
    'slots-random4-1 0 . 192.0.2.1 . tcp . 80 : 10.0.0.1 . 8080',
    'ports4 192.0.2.1 . tcp . 80 : goto random4-1',
    'sources4-tcp 192.0.2.1 . 80 : goto hide-source',
  ]);
});

test('a port that keeps the source has other endpoints for this machine, and hairpins of both', () => {
  assert.deepEqual(print(forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080'), { keepSource: true, ownEndpoints: endpoints('10.0.0.2:8080') })), [
    'vips4 192.0.2.1',
    'map slots-random4-1',
    BALANCE,
    'slots-random4-1 0 . 192.0.2.1 . tcp . 80 : 10.0.0.1 . 8080',
    'ports4 192.0.2.1 . tcp . 80 : goto random4-1',
    'map slots-own-random4-1',
    `own-${BALANCE.replace('slots-', 'slots-own-')}`,
    'slots-own-random4-1 0 . 192.0.2.1 . tcp . 80 : 10.0.0.2 . 8080',
    'own-ports4 192.0.2.1 . tcp . 80 : goto own-random4-1',
    'sources4-tcp 192.0.2.1 . 80 : goto keep-source4',
    'hairpin4 10.0.0.1 . 10.0.0.1',
    'hairpin4 10.0.0.2 . 10.0.0.2',
  ]);
});

test('a port of the proxy needs no more than to be known, and who may come', () => {
  assert.deepEqual(print(proxied('2001:db8::1', 443, 'udp', ['2001:db8:1::/48', 'fd00::1/128', '10.0.0.0/8'])), [
    'vips6 2001:db8::1',
    'proxied6 2001:db8::1 . udp . 443',
    'guard-udp-20010db8000000000000000000000001-443: ip6 saddr != { 2001:db8:1::-2001:db8:1:ffff:ffff:ffff:ffff:ffff, fd00::1 } drop',
    'guards6 2001:db8::1 . udp . 443 : jump guard-udp-20010db8000000000000000000000001-443',
  ]);
});

const GUARDS: readonly (readonly [ranges: readonly string[] | null, rules: readonly string[]])[] = [
  [null, []],
  [[], ['drop']],
  [['2001:db8::/32'], ['drop']],
  [['0.0.0.0/0', '10.0.0.0/8'], []],
  [['0.0.0.0/1', '128.0.0.0/1'], []],
  [['10.0.0.0/8', '10.1.0.0/16', '11.0.0.0/8', '192.0.2.7/32'], ['ip saddr != { 10.0.0.0-11.255.255.255, 192.0.2.7 } drop']],
];

for (const [sourceRanges, rules] of GUARDS) {
  test(`source ranges ${JSON.stringify(sourceRanges)} are ${rules.length === 0 ? 'no rule' : rules.join(', ')}`, () => {
    const lines = print(forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080'), { sourceRanges }));
    assert.deepEqual(lines.filter((line) => line.startsWith('guard-')), rules.map((rule) => `guard-tcp-192.0.2.1-80: ${rule}`));
  });
}

test('a port without endpoints refuses, and with some for this machine only others', () => {
  assert.deepEqual(print(forwarded('192.0.2.1', 80, [])), ['vips4 192.0.2.1', 'guards4 192.0.2.1 . tcp . 80 : goto refuse']);
  const lines = print(forwarded('192.0.2.1', 80, [], { ownEndpoints: endpoints('10.0.0.1:8080'), sourceRanges: ['10.0.0.0/8'] }));
  assert.deepEqual(lines.slice(-3), [
    'guard-tcp-192.0.2.1-80: ip saddr != { 10.0.0.0-10.255.255.255 } drop',
    'guard-tcp-192.0.2.1-80: goto refuse-others',
    'guards4 192.0.2.1 . tcp . 80 : jump guard-tcp-192.0.2.1-80',
  ]);
});

test('affinity with weights draws among intervals', () => {
  const lines = print(forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080*3', '10.0.0.2:8080'), { affinityTimeoutMs: 10_500 }));
  assert.ok(lines.includes('affinity-tcp-192.0.2.1-80: numgen random mod 4 vmap { 0-2 : goto to-tcp-192.0.2.1-80-10.0.0.1-8080, 3 : goto to-tcp-192.0.2.1-80-10.0.0.2-8080 }'));
  assert.ok(lines.includes('to-tcp-192.0.2.1-80-10.0.0.1-8080: update @clients-tcp-192.0.2.1-80-10.0.0.1-8080 { ip saddr timeout 11s }'));
});

test('the order of endpoints has no say, and one that is named twice has both weights', () => {
  const one = planPort(forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.1:8080')));
  const two = planPort(forwarded('192.0.2.1', 80, endpoints('10.0.0.2:8080', '10.0.0.1:8080*2')));
  assert.deepEqual(one.pieces, two.pieces);
});

test('what is no address of the family, no port and no CIDR is told and left out', () => {
  const plan = planPort(forwarded('192.0.2.1', 80, endpoints('10.0.0.1:8080', '[fd00::1]:8080', '10.0.0.2:99999', '0 }; flush ruleset:80'), { sourceRanges: ['} accept', '10.0.0.0/8'] }));
  assert.equal(plan.problems.length, 4);
  assert.ok(plan.pieces.every((piece) => !/fd00|99999|flush|accept/.test(JSON.stringify(piece))));
  assert.deepEqual(planPort(forwarded('example.test', 80, [])).pieces, []);
  assert.equal(planPort(forwarded('192.0.2.1', 0, [])).problems.length, 1);
});
