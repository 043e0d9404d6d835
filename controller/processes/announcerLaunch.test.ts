import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lacks } from '../../test/support/requirement.ts';
import { restrictLaunch } from './announcerLaunch.ts';
import { programFolders } from './findProgram.ts';

const PLAIN = { command: '/usr/bin/node', args: ['main.ts'] };
const capabilities = ['NET_ADMIN', 'NET_RAW'] as const;
const folders = programFolders(process.env['PATH']);

test('who is not root starts the program itself: there is nothing to give up', () => {
  assert.equal(restrictLaunch(PLAIN, { user: { type: 'same', warning: null }, isRoot: false, capabilities, folders: [] }), PLAIN);
});

test('root goes through setpriv, as another user or as root, always with nothing but what it is to be able to do', { skip: lacks('setpriv') }, () => {
  const other = restrictLaunch(PLAIN, { user: { type: 'other', uid: 65533, gid: 65533 }, isRoot: true, capabilities, folders });
  assert.match(other.command, /\/setpriv$/);
  assert.deepEqual(other.args, [
    '--reuid=65533', '--regid=65533', '--clear-groups', '--no-new-privs',
    '--inh-caps=-all,+net_admin,+net_raw', '--ambient-caps=-all,+net_admin,+net_raw', '--bounding-set=-all,+net_admin,+net_raw',
    '--', '/usr/bin/node', 'main.ts',
  ]);
  const same = restrictLaunch(PLAIN, { user: { type: 'same', warning: null }, isRoot: true, capabilities, folders });
  assert.deepEqual(same.args, other.args.slice(2));
});

test('root without setpriv starts nothing', () => {
  assert.throws(() => restrictLaunch(PLAIN, { user: { type: 'same', warning: null }, isRoot: true, capabilities, folders: [] }), /install util-linux/);
});
