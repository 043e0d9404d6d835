import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessLog, type AccessLogOptions, type LogBatch } from './accessLog.ts';
import { createLogBudget, LogBudget } from './logBudget.ts';
import { testRecord } from './testRecord.ts';

function openLog(options: AccessLogOptions, maxBytes: number) {
  const budget = createLogBudget(maxBytes);
  const batches: LogBatch[] = [];
  const dropped: number[] = [];
  const log = new AccessLog(options, {
    budget,
    send: (batch) => batches.push(batch),
    onDropped: (lines) => dropped.push(lines),
  });
  return { log, budget, batches, dropped };
}

const textOf = (batches: readonly LogBatch[]): string => batches.map((batch) => Buffer.from(batch.bytes).toString()).join('');

test('lines wait for a full batch or a flush and come out in order, none twice', () => {
  const { log, batches } = openLog({ format: 'text', batchBytes: 500 }, 1e6);
  for (let index = 0; index < 10; index += 1) log.add(testRecord({ target: `/${index}` }));
  assert.ok(batches.length > 1 && batches.every((batch) => batch.bytes.length >= 500));
  log.flush();
  log.flush();
  const targets = textOf(batches).split('\n').slice(0, -1).map((line) => /GET (\S+)/.exec(line)?.[1]);
  assert.deepEqual(targets, Array.from({ length: 10 }, (_, index) => `/${index}`));
  assert.equal(batches.reduce((sum, batch) => sum + batch.lines, 0), 10);
});

test('a batch owns its memory, so that it can be transferred to another thread', () => {
  const { log, batches } = openLog({ format: 'json' }, 1e6);
  log.add(testRecord());
  log.flush();
  const [batch] = batches;
  assert.ok(batch);
  assert.equal(batch.bytes.buffer.byteLength, batch.bytes.length);
  const text = textOf(batches);
  const moved = structuredClone(batch.bytes, { transfer: [batch.bytes.buffer] });
  assert.equal(Buffer.from(moved).toString(), text);
});

test('what exceeds the budget is dropped whole and counted, and lines flow again once it is given back', () => {
  const { log, budget, batches, dropped } = openLog({ format: 'text', batchBytes: 1 }, 400);
  log.add(testRecord());
  log.add(testRecord());
  log.add(testRecord());
  assert.equal(batches.length + dropped.length, 3);
  assert.ok(dropped.length > 0);
  assert.ok(budget.pendingBytes <= 400, 'never more than the bound is under way');
  const before = batches.length;
  budget.give(budget.pendingBytes);
  log.add(testRecord());
  assert.equal(batches.length, before + 1);
});

test('the budget is one and the same seen from two threads', () => {
  const budget = createLogBudget(100);
  const other = new LogBudget(budget.shared);
  assert.ok(budget.tryTake(60));
  assert.ok(!other.tryTake(41));
  assert.ok(other.tryTake(40));
  budget.give(100);
  assert.equal(other.pendingBytes, 0);
});
