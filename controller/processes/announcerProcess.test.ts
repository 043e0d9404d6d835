import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacksWhen } from '../../test/support/requirement.ts';
import { forwardedPort, vip, wantedOf } from '../announcer/testing/announcerFacts.ts';
import { capabilityMask } from './capabilities.ts';
import { announcerCapabilities, announcerPermitted } from './announcerPermission.ts';
import { createAnnouncer, nextReport } from './fixture/runningAnnouncer.ts';
import { readUser, waitUntilGone } from './fixture/processFacts.ts';
import { ANNOUNCER_ID } from './processUser.ts';

const ADDRESS = '192.0.2.10';
const permission = announcerPermitted();
const skip = lacksWhen(!permission.permitted, permission.permitted ? '' : permission.reason);
/** As /proc/PID/status prints them. */
const CAPABILITIES = capabilityMask(announcerCapabilities(readFileSync('/proc/self/status', 'utf8')));

test('an announcer is told what to want, then only differences, and reports what is true', { skip }, async (t) => {
  const running = createAnnouncer(t);
  const { announcer } = running;
  assert.equal(announcer.report(), null);
  const ready = once(running.told, 'ready');
  announcer.start();
  announcer.start();
  const first = nextReport(running, ({ generation }) => generation === 1);
  announcer.want(wantedOf([vip(ADDRESS)], [forwardedPort(ADDRESS, { address: '198.51.100.1', port: 8080 })]), 1);
  await ready;
  assert.equal((await first).kernel.ports, 1);
  const second = nextReport(running, ({ generation }) => generation === 2);
  announcer.want(wantedOf([vip(ADDRESS), vip('192.0.2.11')]), 2);
  assert.deepEqual((await second).vips.map(({ address }) => address), [ADDRESS, '192.0.2.11']);
  assert.equal((await second).kernel.ports, 0);
  assert.deepEqual(announcer.report(), await second);
  const serving = nextReport(running, ({ members }) => members[0]?.serving === true);
  announcer.setProxy({ pid: process.pid, serving: true });
  await serving;
});

test('a thousand states in one turn go out as few messages, the last one among them', { skip }, async (t) => {
  const running = createAnnouncer(t);
  running.announcer.start();
  let reports = 0;
  running.told.on('report', () => { reports += 1; });
  const last = nextReport(running, ({ generation }) => generation === 1000);
  for (let generation = 1; generation <= 1000; generation += 1) {
    running.announcer.want(wantedOf([vip(ADDRESS, { services: [`default/web-${generation}`] })]), generation);
  }
  await last;
  assert.ok(reports < 20, `${reports} reports`);
});

test('a killed announcer is replaced at once by one that knows everything', { skip }, async (t) => {
  const running = createAnnouncer(t);
  const { announcer } = running;
  announcer.start();
  announcer.setProxy({ pid: process.pid, serving: true });
  const first = nextReport(running, ({ generation }) => generation === 4);
  announcer.want(wantedOf([vip(ADDRESS)]), 4);
  await first;
  const pid = announcer.pid ?? 0;
  const again = nextReport(running, ({ generation }) => generation === 4);
  const exited = once(running.told, 'exited');
  process.kill(pid, 'SIGKILL');
  await exited;
  assert.deepEqual(announcer.report(), await first);
  assert.deepEqual((await again).vips.map(({ address }) => address), [ADDRESS]);
  assert.equal((await again).members[0]?.serving, true);
  assert.notEqual(announcer.pid, pid);
  assert.deepEqual(running.exits.map(({ signal, restartInMs }) => ({ signal, restartInMs })), [{ signal: 'SIGKILL', restartInMs: 0 }]);
});

test('a fault ends the process, a second one in a row costs a wait and the report', { skip }, async (t) => {
  const running = createAnnouncer(t);
  const { announcer } = running;
  announcer.start();
  announcer.want(wantedOf([vip(ADDRESS)]), 666);
  await once(running.told, 'exited');
  await once(running.told, 'exited');
  assert.deepEqual(running.exits.slice(0, 2).map(({ code, restartInMs }) => ({ code, restartInMs })),
    [{ code: 70, restartInMs: 0 }, { code: 70, restartInMs: 10 }]);
  assert.equal(announcer.report(), null);
  const working = nextReport(running, ({ generation }) => generation === 1);
  announcer.want(wantedOf([]), 1);
  await working;
});

test('a killed announcer is followed by one that knows of the Leases, and says what it wishes', { skip }, async (t) => {
  const running = createAnnouncer(t);
  const { announcer, told } = running;
  const right = { untilMonotonicMs: 1, untilWallMs: 2 };
  announcer.setLeases({ sequence: 6, reachable: false, rights: new Map() });
  announcer.start();
  announcer.want(wantedOf([vip(ADDRESS)]), 1);
  assert.deepEqual(await once(told, 'leaseWishes'), [{ heeded: 6, wanted: [] }]);
  announcer.setLeases({ sequence: 7, reachable: true, rights: new Map([[ADDRESS, right]]) });
  assert.deepEqual(await once(told, 'leaseWishes'), [{ heeded: 7, wanted: [ADDRESS] }]);
  process.kill(announcer.pid ?? 0, 'SIGKILL');
  assert.deepEqual(await once(told, 'leaseWishes'), [{ heeded: 7, wanted: [ADDRESS] }]);
});

test('a message that is none of the protocol is counted and changes nothing', { skip }, async (t) => {
  const running = createAnnouncer(t);
  running.announcer.start();
  const told = nextReport(running, ({ generation }) => generation === 667);
  running.announcer.want(wantedOf([vip(ADDRESS)]), 667);
  await told;
  assert.ok(running.announcer.brokenMessages > 0);
  assert.deepEqual(running.exits, []);
});

test('the process has nothing but its capabilities, an unprivileged user and nearly no environment', { skip }, async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root');
  process.env['GATEHOUSE_TEST_SECRET'] = 'token';
  t.after(() => { delete process.env['GATEHOUSE_TEST_SECRET']; });
  const running = createAnnouncer(t);
  const reported = nextReport(running, () => true);
  running.announcer.start();
  running.announcer.want(wantedOf([]), 1);
  await reported;
  const pid = running.announcer.pid ?? 0;
  assert.deepEqual(readUser(pid), { uid: ANNOUNCER_ID, gid: ANNOUNCER_ID });
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\\s*${CAPABILITIES}$`, 'm'));
  assert.match(status, /^NoNewPrivs:\s*1$/m);
  assert.match(status, /^Groups:\s*(65533)?\s*$/m);
  const allowed = ['', 'TZ', 'RES_OPTIONS', 'LOCALDOMAIN', 'PATH', 'NODE_COMPILE_CACHE', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'];
  const names = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').map((entry) => entry.split('=')[0] ?? '');
  assert.deepEqual(names.filter((name) => !allowed.includes(name)), []);
  const { uid, mode } = statSync(running.folder);
  assert.deepEqual({ uid, mode: mode & 0o777 }, { uid: ANNOUNCER_ID, mode: 0o700 });
});

test('an announcer is in no group or session of the controller, and ^C does not end it', { skip }, async (t) => {
  const running = createAnnouncer(t);
  running.announcer.start();
  const first = nextReport(running, ({ generation }) => generation === 1);
  running.announcer.want(wantedOf([]), 1);
  await first;
  const pid = running.announcer.pid ?? 0;
  // Fields 5 and 6: group and session.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  assert.deepEqual([fields[2], fields[3]], [String(pid), String(pid)]);
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.kill(pid, signal);
  const second = nextReport(running, ({ generation }) => generation === 2);
  running.announcer.want(wantedOf([]), 2);
  await second;
  assert.deepEqual(running.exits, []);
});

test('SIGTERM ends it in good order, and a new one takes its place', { skip }, async (t) => {
  const running = createAnnouncer(t);
  running.announcer.start();
  const first = nextReport(running, ({ generation }) => generation === 1);
  running.announcer.want(wantedOf([]), 1);
  await first;
  const again = nextReport(running, ({ generation }) => generation === 1);
  process.kill(running.announcer.pid ?? 0, 'SIGTERM');
  await again;
  assert.deepEqual(running.exits.map(({ code }) => code), [0]);
});

test('stop ends the process, twice as once, and one that was never started has nothing to stop', { skip }, async (t) => {
  const never = createAnnouncer(t);
  await never.announcer.stop(true);
  never.announcer.start();
  assert.equal(never.announcer.pid, null);
  const running = createAnnouncer(t);
  running.announcer.start();
  const first = nextReport(running, ({ generation }) => generation === 1);
  running.announcer.want(wantedOf([]), 1);
  await first;
  const pid = running.announcer.pid ?? 0;
  await Promise.all([running.announcer.stop(false), running.announcer.stop(true)]);
  await waitUntilGone(pid);
  assert.equal(running.announcer.pid, null);
  assert.deepEqual(running.exits, []);
});

test('a process that does not stop is killed', { skip }, async (t) => {
  const running = createAnnouncer(t);
  running.announcer.start();
  const first = nextReport(running, ({ generation }) => generation === 668);
  running.announcer.want(wantedOf([]), 668);
  await first;
  const pid = running.announcer.pid ?? 0;
  await running.announcer.stop(false);
  await waitUntilGone(pid);
});

test('a folder that cannot be had costs the meeting place, not the announcer', { skip }, async (t) => {
  const running = createAnnouncer(t, { folder: join(import.meta.filename, 'announcer') });
  const first = nextReport(running, ({ generation }) => generation === 1);
  running.announcer.start();
  running.announcer.want(wantedOf([]), 1);
  await first;
});

test('a program that ends at once is told as exits, each with a longer wait', { skip }, async (t) => {
  const running = createAnnouncer(t, { entry: join(import.meta.dirname, 'fixture/failingMain.ts') });
  running.announcer.start();
  for (let count = 0; count < 3; count += 1) await once(running.told, 'exited');
  assert.deepEqual(running.exits.slice(0, 3).map(({ code, restartInMs }) => ({ code, restartInMs })),
    [{ code: 3, restartInMs: 0 }, { code: 3, restartInMs: 10 }, { code: 3, restartInMs: 20 }]);
});
