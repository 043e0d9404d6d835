import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { announcerCapabilities, announcerPermitted, judgePermission } from './announcerPermission.ts';
import { missingCapabilities } from './capabilities.ts';
import { findProgram, programFolders } from './findProgram.ts';

const ALL = 'CapEff:\t000001ffffffffff\nCapAmb:\t0000000000003000\n';
const NONE = 'CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n';

function folderWith(t: TestContext, ...programs: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-programs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const program of programs) writeFileSync(join(folder, program), '', { mode: 0o755 });
  return folder;
}

function reasonOf(facts: Parameters<typeof judgePermission>[0]): string {
  const permission = judgePermission(facts);
  return permission.permitted ? '' : permission.reason;
}

test('this machine permits an announcer, or says in words why not', () => {
  const permission = announcerPermitted();
  assert.ok(permission.permitted || permission.reason.length > 20);
});

test('an announcer needs Linux, capabilities, nft, and setpriv under root; each reason says what to do', (t) => {
  const folders = [folderWith(t, 'nft', 'setpriv')];
  assert.deepEqual(judgePermission({ platform: 'linux', isRoot: true, status: ALL, folders }), { permitted: true });
  assert.deepEqual(judgePermission({ platform: 'linux', isRoot: false, status: ALL, folders: [folderWith(t, 'nft')] }), { permitted: true });
  assert.match(reasonOf({ platform: 'darwin', isRoot: true, status: '', folders: [] }), /on Linux only; this is darwin/);
  assert.match(reasonOf({ platform: 'linux', isRoot: true, status: NONE, folders }), /NET_ADMIN, NET_RAW, SETUID, SETGID, SETPCAP; add them/);
  assert.match(reasonOf({ platform: 'linux', isRoot: false, status: NONE, folders }), /ambient capabilities NET_ADMIN, NET_RAW; run as root/);
  assert.match(reasonOf({ platform: 'linux', isRoot: true, status: ALL, folders: [folderWith(t, 'setpriv')] }), /install nftables/);
  assert.match(reasonOf({ platform: 'linux', isRoot: true, status: ALL, folders: [folderWith(t, 'nft')] }), /install util-linux/);
});

test('an announcer of root is given NET_BIND_SERVICE and SYS_NICE when they are there to give', () => {
  assert.deepEqual(announcerCapabilities(ALL), ['NET_ADMIN', 'NET_RAW', 'NET_BIND_SERVICE', 'SYS_NICE']);
  assert.deepEqual(announcerCapabilities('CapEff:\t0000000000003000\n'), ['NET_ADMIN', 'NET_RAW']);
});

test('capabilities are read bit by bit, from the set that is asked for', () => {
  const status = 'CapEff:\t0000000000002100\nCapAmb:\t0000000000001000\n';
  assert.deepEqual(missingCapabilities(status, 'effective', ['NET_RAW', 'SETPCAP', 'NET_ADMIN']), ['NET_ADMIN']);
  assert.deepEqual(missingCapabilities(status, 'ambient', ['NET_ADMIN', 'NET_RAW']), ['NET_RAW']);
  assert.deepEqual(missingCapabilities('', 'ambient', ['NET_RAW']), ['NET_RAW']);
});

test('programs are looked for in PATH, then where administrators keep theirs, never relative to anywhere', (t) => {
  const folder = folderWith(t, 'tool');
  writeFileSync(join(folder, 'text'), '', { mode: 0o644 });
  assert.equal(findProgram('tool', ['/missing', folder]), join(folder, 'tool'));
  assert.equal(findProgram('text', [folder]), null);
  assert.deepEqual(programFolders('/own::.:bin:/usr/bin').slice(0, 3), ['/own', '/usr/bin', '/usr/local/sbin']);
  assert.equal(programFolders(undefined).includes('/usr/sbin'), true);
});
