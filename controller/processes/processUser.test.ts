import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacksRoot } from '../../test/support/requirement.ts';
import { chooseProcessUser, isMapped, UNPRIVILEGED_ID } from './processUser.ts';

const isRoot = process.getuid?.() === 0;

test('whoever is told to keep the user, or is not root, keeps it in silence', () => {
  assert.deepEqual(chooseProcessUser(true, [process.execPath]), { type: 'same', warning: null });
  if (!isRoot) assert.deepEqual(chooseProcessUser(false, [process.execPath]), { type: 'same', warning: null });
});

test('root gives up its rights for files that everybody may read, and says why not otherwise', { skip: lacksRoot() }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-user-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'main.js');
  writeFileSync(program, '');
  chmodSync(folder, 0o755);
  assert.deepEqual(chooseProcessUser(false, [program]), { type: 'other', uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID });
  chmodSync(folder, 0o700);
  const closed = chooseProcessUser(false, [program]);
  assert.equal(closed.type, 'same');
  assert.match(closed.type === 'same' ? closed.warning ?? '' : '', new RegExp(`${folder} is not readable by uid ${UNPRIVILEGED_ID}`));
});

test('a user namespace without the unprivileged uid is recognized, as rootless containers have it', () => {
  assert.ok(isMapped('         0          0 4294967295\n', UNPRIVILEGED_ID));
  assert.ok(!isMapped('         0       1000          1\n', UNPRIVILEGED_ID));
  assert.ok(isMapped('         0       1000          1\n         1     100000      65536\n', UNPRIVILEGED_ID));
  assert.ok(!isMapped('', UNPRIVILEGED_ID));
});
