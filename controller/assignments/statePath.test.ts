import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statePath } from './statePath.ts';

const PLACE = { flag: null, env: {}, manifests: ['/etc/shop'], home: '/home/ada' };

test("The folder is the flag, else what systemd gives, else the XDG one, else under the home, else the machine's", () => {
  const file = /\/assignments-[0-9a-f]{12}\.json$/;
  const env = { STATE_DIRECTORY: '/var/lib/gate:/var/lib/other', XDG_STATE_HOME: '/home/ada/.state' };
  const cases = [
    [{ ...PLACE, flag: '/srv/state', env }, '/srv/state'],
    [{ ...PLACE, env }, '/var/lib/gate'],
    [{ ...PLACE, env: { ...env, STATE_DIRECTORY: '' } }, '/home/ada/.state/gatehouse'],
    [{ ...PLACE, env: { XDG_STATE_HOME: 'relative' } }, '/home/ada/.local/state/gatehouse'],
    [PLACE, '/home/ada/.local/state/gatehouse'],
    [{ ...PLACE, home: null }, '/var/lib/gatehouse'],
    [{ ...PLACE, home: '' }, '/var/lib/gatehouse'],
  ] as const;
  for (const [place, folder] of cases) {
    const path = statePath(place);
    assert.match(path, file);
    assert.equal(path.replace(file, ''), folder);
  }
});

test('Each set of manifests has its own file, whatever their order', () => {
  const path = (...manifests: string[]): string => statePath({ ...PLACE, manifests });
  assert.equal(path('/a', '/b'), path('/b', '/a', '/a'));
  assert.notEqual(path('/a', '/b'), path('/a'));
  assert.notEqual(path('/a'), path());
});
