import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionTable, type SessionBounds, type TableSession } from './sessionTable.ts';

const SEED = Number(process.env['GATEHOUSE_SEED'] ?? Date.now() % 2 ** 31);
const BOUNDS: SessionBounds = { total: 4, perAddress: 2 };

function session(key: string, address = key): TableSession {
  return { key, address, isAssured: false };
}

test('a full table gives up what was silent longest and is not assured', () => {
  const table = new SessionTable();
  const all = ['a', 'b', 'c', 'd'].map((key) => session(key));
  for (const one of all) table.add(one);
  const [a, b, c, d] = all;
  assert.ok(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
  table.touch(a);
  assert.equal(table.obstacle('e', BOUNDS), b);
  table.assure(b);
  assert.equal(table.obstacle('e', BOUNDS), c);
  for (const one of [a, c, d]) table.assure(one);
  assert.equal(table.obstacle('e', BOUNDS), 'full');
  table.delete(c);
  assert.equal(table.obstacle('e', BOUNDS), null);
});

test('one address displaces its own sessions only', () => {
  const table = new SessionTable();
  const other = session('other');
  const [one, two] = [session('x1', 'x'), session('x2', 'x')];
  for (const each of [other, one, two]) table.add(each);
  assert.equal(table.obstacle('x', BOUNDS), one);
  table.touch(one);
  assert.equal(table.obstacle('x', BOUNDS), two);
  table.assure(one);
  table.assure(two);
  assert.equal(table.obstacle('x', BOUNDS), 'full');
  assert.equal(table.obstacle('y', BOUNDS), null);
});

test('no history of sessions goes over the bounds or leaves anything behind', (context) => {
  context.diagnostic(`GATEHOUSE_SEED=${SEED}`);
  let state = SEED || 1;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const bounds = { total: 20, perAddress: 5 };
  const table = new SessionTable();
  const alive = new Map<string, TableSession>();
  const drop = (one: TableSession): void => {
    table.delete(one);
    alive.delete(one.key);
  };
  for (let step = 0; step < 50_000; step += 1) {
    const key = `${draw(8)} ${draw(12)}`;
    const known = table.get(key);
    assert.equal(known, alive.get(key));
    if (known === undefined) {
      const one = session(key, key.split(' ')[0]);
      const obstacle = table.obstacle(one.address, bounds);
      if (obstacle === 'full') continue;
      if (obstacle !== null) {
        assert.equal(obstacle.isAssured, false);
        drop(obstacle);
      }
      if (table.obstacle(one.address, bounds) !== null) continue;
      table.add(one);
      alive.set(key, one);
    } else {
      const action = draw(4);
      if (action === 0) drop(known);
      else if (action === 1) table.assure(known);
      else table.touch(known);
    }
    assert.equal(table.size, alive.size);
    assert.ok(table.size <= bounds.total);
    const addresses = Map.groupBy(alive.values(), ({ address }) => address);
    for (const own of addresses.values()) assert.ok(own.length <= bounds.perAddress);
  }
  for (const one of alive.values()) drop(one);
  assert.equal(table.size, 0);
  assert.deepEqual([...table.values()], []);
});
