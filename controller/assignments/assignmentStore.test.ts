import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { silentLogger, type LogFields, type Logger } from '../../core/log/logger.ts';
import type { Assignments } from '../allocator/assignment.ts';
import { createAssignmentStore, type AssignmentStore } from './assignmentStore.ts';
import { printAssignments, readAssignments } from './assignmentText.ts';

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly errors: LogFields[];
  open(times?: { readonly delayMs?: number; readonly retryMs?: number }): AssignmentStore;
}

function placeOf(context: TestContext): Place {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-assignments-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'state', 'assignments.json');
  const errors: LogFields[] = [];
  const logger: Logger = { ...silentLogger, error: (_message, fields = {}) => void errors.push(fields) };
  return { folder, path, errors, open: (times = {}) => createAssignmentStore({ path, logger, delayMs: 0, ...times }) };
}

const SOME: Assignments = new Map([
  ['shop/web', { addresses: ['192.0.2.1', '2001:db8::1'], pool: 'public' }],
  ['shop/dns', { addresses: ['192.0.2.2'], pool: 'public', sharingTerms: '0123456789ab' }],
]);

test('Assignments survive a restart', async (context) => {
  const place = placeOf(context);
  const store = place.open();
  assert.deepEqual(store.load(), new Map());
  store.save(SOME);
  await store.flush();
  assert.deepEqual(place.open().load(), SOME);
  assert.deepEqual(readdirSync(join(place.folder, 'state')), ['assignments.json']);
  assert.equal(statSync(place.path).mode & 0o777, 0o600);
  assert.equal(statSync(join(place.folder, 'state')).mode & 0o777, 0o700);
  assert.deepEqual(place.errors, []);
});

test('Without assignments and without a file nothing is written', async (context) => {
  const place = placeOf(context);
  const store = place.open();
  store.load();
  store.save(new Map());
  await store.flush();
  assert.deepEqual(readdirSync(place.folder), []);
});

test('The same assignments are not written again', async (context) => {
  const place = placeOf(context);
  const store = place.open();
  store.load();
  store.save(SOME);
  await store.flush();
  const first = statSync(place.path);
  store.save(new Map([...SOME].toReversed()));
  await store.flush();
  assert.equal(statSync(place.path).ino, first.ino);
  const restarted = place.open();
  restarted.save(restarted.load());
  await restarted.flush();
  assert.equal(statSync(place.path).ino, first.ino);
});

test('Of many saves the last one counts, also of those that come during a write', async (context) => {
  const place = placeOf(context);
  const store = place.open({ delayMs: 60_000 });
  store.load();
  const numbered = (number: number): Assignments => new Map([['a/b', { addresses: [`192.0.2.${number}`], pool: 'p' }]]);
  for (let number = 0; number < 100; number += 1) store.save(numbered(number));
  const flushed = store.flush();
  store.save(numbered(200));
  await flushed;
  await store.flush();
  assert.deepEqual(place.open().load(), numbered(200));
  store.save(new Map());
  await store.flush();
  assert.deepEqual(place.open().load(), new Map());
});

test('A save is written without a flush', async (context) => {
  const place = placeOf(context);
  const store = place.open({ delayMs: 1 });
  store.load();
  store.save(SOME);
  while (!existsSync(place.path)) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.deepEqual(place.open().load(), SOME);
  await store.flush();
});

test('A broken file is reported, kept aside and counts as empty', async (context) => {
  const place = placeOf(context);
  mkdirSync(join(place.folder, 'state'));
  const good = printAssignments(SOME);
  const entry = '{"service":"a/b","addresses":["192.0.2.1"],"pool":"p"}';
  const texts = [
    '',
    'null',
    '[]',
    good.slice(0, -10),
    good.replace('"version":1', '"version":2'),
    '{"version":1}',
    '{"version":1,"services":{}}',
    '{"version":1,"services":[null]}',
    ...[
      ['a/b', ''],
      ['192.0.2.1', '192.0.2.01'],
      ['["192.0.2.1"]', '[]'],
      ['["192.0.2.1"]', '["192.0.2.1",7]'],
      ['["192.0.2.1"]', '["192.0.2.1","192.0.2.2","192.0.2.3"]'],
      ['["192.0.2.1"]', '["2001:DB8::1"]'],
      ['"p"', '7'],
      ['"p"', '"p","sharingTerms":7'],
    ].map(([from = '', to = '']) => `{"version":1,"services":[${entry.replace(from, to)}]}`),
  ];
  for (const [index, text] of texts.entries()) {
    writeFileSync(place.path, text);
    assert.deepEqual(place.open().load(), new Map(), text);
    assert.equal(readFileSync(`${place.path}.broken`, 'utf8'), text);
    assert.ok(!existsSync(place.path));
    assert.equal(place.errors.length, index + 1);
    assert.equal(place.errors.at(-1)?.['keptAs'], `${place.path}.broken`);
  }
  const store = place.open();
  store.load();
  store.save(SOME);
  await store.flush();
  assert.deepEqual(place.open().load(), SOME);
});

test('Any cut of the file is either whole or refused', () => {
  const text = printAssignments(SOME);
  for (let length = 0; length < text.length - 1; length += 1)
    assert.equal(readAssignments(text.slice(0, length)).ok, false);
  assert.deepEqual(readAssignments(text), { ok: true, assignments: SOME });
  const odd = new Map([['a/__proto__', { addresses: ['::1'], pool: '__proto__' }]]);
  assert.deepEqual(readAssignments(printAssignments(odd)), { ok: true, assignments: odd });
});

test('A write that fails is reported, leaves the old file and is tried again', async (context) => {
  const place = placeOf(context);
  // A file where the folder should be: nobody, not even root, can write below it.
  writeFileSync(join(place.folder, 'state'), '');
  const store = place.open({ retryMs: 1 });
  store.load();
  store.save(SOME);
  while (place.errors.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  rmSync(join(place.folder, 'state'));
  while (!existsSync(place.path)) await new Promise((resolve) => setTimeout(resolve, 1));
  await store.flush();
  assert.deepEqual(place.open().load(), SOME);
});

test('A flush ends although nothing can be written', async (context) => {
  const place = placeOf(context);
  writeFileSync(join(place.folder, 'state'), '');
  const store = place.open();
  store.save(SOME);
  await store.flush();
  assert.equal(place.errors.length, 1);
});

test('A file that cannot be read is reported and stays', (context) => {
  const place = placeOf(context);
  mkdirSync(place.path, { recursive: true });
  assert.deepEqual(place.open().load(), new Map());
  assert.equal(place.errors.length, 1);
  assert.ok(statSync(place.path).isDirectory());
});
