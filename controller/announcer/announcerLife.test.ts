import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, linkSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../core/log/logger.ts';
import { until } from '../../test/support/until.ts';
import { createAnnouncerLife, type AnnouncerLife, type Host } from './announcerLife.ts';
import { reportOf, vip, wantedOf, wholeOf } from './testing/announcerFacts.ts';

const ADDRESS = '192.0.2.10';
const WANTED = wholeOf(wantedOf([vip(ADDRESS)]));

function meetingPlace(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-announcer-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, '1.sock');
}

interface TestLife {
  readonly life: AnnouncerLife;
  /** What was done, in order. */
  readonly done: string[];
  /** `ready` and `ended`. */
  readonly told: EventEmitter;
}

/** A life with a host that only remembers what it was asked to do. */
function startLife(t: TestContext, path: string | null): TestLife {
  const done: string[] = [];
  const told = new EventEmitter();
  let hasEnded = false;
  const note = (entry: string): Promise<void> => {
    done.push(entry);
    return Promise.resolve();
  };
  const createHost = (inherited: { readonly generation: number } | null): Host => ({
    start: ({ generation }) => note(`start ${generation}, inherited ${inherited?.generation ?? 'nothing'}`),
    want: ({ generation }) => void note(`want ${generation}`),
    setProxy: ({ serving }) => void note(`proxy ${serving}`),
    setLeases: ({ sequence }) => void note(`leases ${sequence}`),
    orphaned: () => void note('orphaned'),
    yield: async () => {
      await note('yield');
      return reportOf(ADDRESS, 7);
    },
    abandon: () => note('abandon'),
    stop: (forGood) => note(`stop ${forGood}`),
  });
  const life = createAnnouncerLife({
    path, inherited: null, createHost, logger: silentLogger,
    ready: () => { told.emit('ready'); },
    ended: () => {
      hasEnded = true;
      told.emit('ended');
    },
    failed: (error) => { told.emit('error', error); },
  });
  t.after(async () => {
    if (hasEnded) return;
    const ended = once(told, 'ended');
    life.stop(false);
    await ended;
  });
  return { life, done, told };
}

async function startWorking(t: TestContext, path: string | null): Promise<TestLife> {
  const started = startLife(t, path);
  const ready = once(started.told, 'ready');
  started.life.want(WANTED);
  await ready;
  return started;
}

test('an announcer begins with the first wanted state, and stops in good order', async (t) => {
  const path = meetingPlace(t);
  const { life, done, told } = startLife(t, path);
  life.setProxy({ pid: 7, serving: true });
  life.setLeases({ sequence: 4, reachable: true, rights: new Map() });
  assert.deepEqual(done, []);
  const ready = once(told, 'ready');
  life.want(WANTED);
  await ready;
  life.want(wholeOf(wantedOf([]), 2));
  const ended = once(told, 'ended');
  life.stop(true);
  await ended;
  assert.deepEqual(done, ['proxy true', 'leases 4', 'start 1, inherited nothing', 'want 1', 'want 2', 'stop true']);
  assert.deepEqual(readdirSync(join(path, '..')), []);
});

test('a successor of an orphan gets its report, works, and only then does the orphan end', async (t) => {
  const path = meetingPlace(t);
  const first = await startWorking(t, path);
  first.life.orphaned();
  const ended = once(first.told, 'ended');
  const second = await startWorking(t, path);
  await ended;
  assert.deepEqual(first.done, ['start 1, inherited nothing', 'want 1', 'orphaned', 'yield', 'abandon']);
  assert.deepEqual(second.done, ['start 1, inherited 7', 'want 1']);
});

test('an announcer whose controller lives is waited for, and replaced once that is gone', async (t) => {
  const path = meetingPlace(t);
  const first = await startWorking(t, path);
  const second = startLife(t, path);
  const ready = once(second.told, 'ready');
  second.life.want(WANTED);
  const third = await openConnection(path);
  third.destroy();
  assert.deepEqual(second.done, []);
  const ended = once(first.told, 'ended');
  first.life.orphaned();
  await Promise.all([ready, ended]);
  assert.deepEqual(second.done, ['start 1, inherited 7', 'want 1']);
});

test('an announcer that stops while another one waits hands its VIPs over instead of withdrawing them', async (t) => {
  const path = meetingPlace(t);
  const first = await startWorking(t, path);
  const second = startLife(t, path);
  const ready = once(second.told, 'ready');
  second.life.want(WANTED);
  await once(await listenForWait(path), 'close');
  const ended = once(first.told, 'ended');
  first.life.stop(false);
  await Promise.all([ready, ended]);
  assert.deepEqual(first.done.slice(2), ['yield', 'abandon']);
});

test('one that waits and is stopped ends without having touched anything', async (t) => {
  const path = meetingPlace(t);
  await startWorking(t, path);
  const second = startLife(t, path);
  const ended = once(second.told, 'ended');
  second.life.want(WANTED);
  second.life.stop(true);
  await ended;
  assert.deepEqual(second.done, []);
});

test('a successor that ends half-way leaves the work to the orphan, which begins anew with what it knew', async (t) => {
  const path = meetingPlace(t);
  const first = await startWorking(t, path);
  first.life.orphaned();
  const successor = (await openConnection(path)).setEncoding('utf8');
  await until('the orphan yields', () => first.done.includes('yield'));
  successor.destroy();
  await until('it begins anew', () => first.done.at(-1) === 'orphaned' && first.done.length > 4);
  assert.deepEqual(first.done.slice(3), ['yield', 'abandon', 'start 1, inherited 7', 'want 1', 'orphaned']);
});

test('a socket that a killed announcer has left is replaced', async (t) => {
  const path = meetingPlace(t);
  const server = createServer().listen(`${path}.left`);
  await once(server, 'listening');
  linkSync(`${path}.left`, path);
  server.close();
  await once(server, 'close');
  const { done } = await startWorking(t, path);
  assert.deepEqual(done, ['start 1, inherited nothing', 'want 1']);
});

test('an orphan without a VIP ends by itself and touches nothing', async (t) => {
  const { life, done, told } = await startWorking(t, null);
  life.want(wholeOf(wantedOf([]), 2));
  const ended = once(told, 'ended');
  life.orphaned();
  await ended;
  assert.deepEqual(done.slice(2), ['want 2', 'abandon']);
});

test('an announcer whose place was taken by force ends', async (t) => {
  const path = meetingPlace(t);
  const { life, done, told } = await startWorking(t, path);
  const ended = once(told, 'ended');
  rmSync(path);
  writeFileSync(path, '');
  life.look();
  await ended;
  assert.equal(done.at(-1), 'abandon');
});

test('stopping for good before anything was wanted removes what an earlier announcer has left', async (t) => {
  const { life, done, told } = startLife(t, meetingPlace(t));
  const ended = once(told, 'ended');
  life.stop(true);
  await ended;
  assert.deepEqual(done, ['stop true']);
});

test('a path that cannot be used costs the meeting place, not the work', async (t) => {
  const { done } = await startWorking(t, join(meetingPlace(t), 'missing', 'x'.repeat(200)));
  assert.deepEqual(done, ['start 1, inherited nothing', 'want 1']);
});

async function openConnection(path: string): Promise<ReturnType<typeof connect>> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

/** A connection that ends once it was told to wait: whoever connected before it is known by then. */
async function listenForWait(path: string): Promise<ReturnType<typeof connect>> {
  const socket = await openConnection(path);
  socket.once('data', () => socket.destroy());
  return socket;
}
