import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contention } from './contention.ts';
import { createWorld, putService, servicePath, serviceStatus, statusAt } from './testing/world.ts';

const WEB = servicePath('web');
const FOREIGN = { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } };

test('an object is defended five times at once, and once a minute from then on', () => {
  const contention = new Contention();
  for (let count = 0; count < 5; count += 1) {
    assert.equal(contention.waitMs('a', 0), 0);
    contention.defended('a', 0);
  }
  assert.equal(contention.waitMs('a', 0), 60_000);
  assert.equal(contention.waitMs('b', 0), 0);
  assert.equal(contention.waitMs('a', 60_000), 0);
  contention.clear();
  assert.equal(contention.waitMs('a', 0), 0);
});

test('a status that another controller rewrites each time is fought over once a minute, and the log says so once', async () => {
  const { api, tell, taken, lines, time } = createWorld();
  putService(api, 'web');
  const services = [serviceStatus('web', ['192.0.2.1'])];
  const undo = async (): Promise<void> => {
    api.put(WEB, { ...api.at(WEB), status: FOREIGN });
    await tell({ services });
  };
  await tell({ services });
  assert.equal(taken().length, 1);
  for (let count = 0; count < 50; count += 1) await undo();
  assert.equal(taken().length, 5);
  assert.equal(lines.filter((line) => line.startsWith('another controller keeps changing')).length, 1);
  await time.advance(60_000);
  assert.equal(taken().length, 1);
  assert.notDeepEqual(statusAt(api, WEB), FOREIGN);
});

test('another wish does not wait for the end of a fight', async () => {
  const { api, tell, taken } = createWorld();
  putService(api, 'web');
  const services = [serviceStatus('web', ['192.0.2.1'])];
  for (let count = 0; count < 10; count += 1) {
    await tell({ services });
    api.put(WEB, { ...api.at(WEB), status: FOREIGN });
  }
  await tell({ services });
  taken();
  await tell({ services: [serviceStatus('web', ['192.0.2.2'])] });
  assert.equal(taken().length, 1);
});
