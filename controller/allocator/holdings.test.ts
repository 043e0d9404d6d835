import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpAddress, printIpAddress, type IpAddress } from '../../core/net/ipAddress.ts';
import { freePlaces } from './freePlaces.ts';
import { Holdings } from './holdings.ts';
import { compilePools, type Pool } from './poolTable.ts';
import type { Claimant } from './sharingTerms.ts';
import { pool } from './testing/objects.ts';

function poolOf(...addresses: readonly string[]): Pool {
  const [only] = compilePools([pool('p', addresses)]).pools;
  assert.ok(only !== undefined);
  return only;
}

function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  assert.ok(parsed !== null);
  return parsed;
}

function alone(key: string): Claimant {
  return { key, sharing: { key: '', backend: '', ports: [] } };
}

function sharer(key: string, ...ports: readonly string[]): Claimant {
  return { key, sharing: { key: 'k', backend: '', ports } };
}

function nextOf(holdings: Holdings, of: Pool, claimant: Claimant): string | null {
  const next = holdings.next(of, 'IPv4', claimant);
  return next === null ? null : printIpAddress(next);
}

test('An address that was passed and given back is the next one again, in whatever range it is', () => {
  const of = poolOf('192.0.2.8/31', '192.0.2.0/31');
  const holdings = new Holdings();
  for (const text of ['192.0.2.8', '192.0.2.9', '192.0.2.0']) {
    assert.equal(nextOf(holdings, of, alone('a/a')), text);
    holdings.claim(address(text), of, alone('a/a'));
  }
  for (const text of ['192.0.2.0', '192.0.2.9', '192.0.2.8']) {
    holdings.release(address(text), of, alone('a/a'));
    assert.equal(nextOf(holdings, of, alone('a/b')), text);
  }
  assert.equal(holdings.count(of, 'IPv4'), 0);
});

test('A pool without a free address has no next one', () => {
  const of = poolOf('192.0.2.8/32');
  const holdings = new Holdings();
  holdings.claim(address('192.0.2.8'), of, alone('a/a'));
  assert.equal(nextOf(holdings, of, alone('a/b')), null);
  assert.equal(holdings.next(of, 'IPv6', alone('a/b')), null);
});

test('A port that is given back can be shared again', () => {
  const of = poolOf('192.0.2.0/30');
  const holdings = new Holdings();
  const first = address('192.0.2.0');
  holdings.claim(first, of, sharer('a/a', 'TCP/80'));
  holdings.claim(first, of, sharer('a/b', 'TCP/443'));
  assert.equal(nextOf(holdings, of, sharer('a/c', 'TCP/443')), '192.0.2.1');
  holdings.release(first, of, sharer('a/b', 'TCP/443'));
  assert.equal(nextOf(holdings, of, sharer('a/c', 'TCP/443')), '192.0.2.0');
  assert.deepEqual(holdings.refusal(first, sharer('a/c', 'TCP/443', 'TCP/80')), {
    reason: 'port',
    port: 'TCP/80',
    by: 'a/a',
  });
  assert.equal(holdings.count(of, 'IPv4'), 1);
  holdings.release(first, of, sharer('a/a', 'TCP/80'));
  assert.equal(holdings.count(of, 'IPv4'), 0);
  assert.equal(holdings.refusal(first, alone('a/d')), null);
});

test('Of several shared addresses the first in the pool is taken, in whatever order they were given', () => {
  const of = poolOf('192.0.2.4/30', '192.0.2.0/30');
  const holdings = new Holdings();
  for (const last of [2, 6, 0, 5]) holdings.claim(address(`192.0.2.${last}`), of, sharer(`a/${last}`, 'TCP/80'));
  holdings.claim(address('192.0.2.4'), of, alone('a/4'));
  const taken: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    const next = holdings.next(of, 'IPv4', sharer('b/b', 'TCP/443'));
    assert.ok(next !== null);
    taken.push(printIpAddress(next));
    holdings.claim(next, of, sharer(`b/${round}`, 'TCP/443'));
  }
  assert.deepEqual(taken, ['192.0.2.5', '192.0.2.6', '192.0.2.7', '192.0.2.0', '192.0.2.1']);
});

test('Finding n addresses one after the other looks at about n of them, not at n squared', () => {
  const places = freePlaces(poolOf('2001:db8::/64'), 'IPv6');
  const taken = new Set<bigint>();
  let looks = 0;
  for (let count = 0; count < 1_000; count += 1) {
    const value = places.first((candidate) => {
      looks += 1;
      return taken.has(candidate);
    });
    assert.ok(value !== null);
    taken.add(value);
  }
  assert.equal(taken.size, 1_000);
  assert.ok(looks <= 2_000, `${looks} looks`);
});
