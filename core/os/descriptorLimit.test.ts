import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lacksRoot } from '../../test/support/requirement.ts';
import { raiseDescriptorLimit } from './descriptorLimit.ts';
import { libc } from './libc.ts';

test('the soft limit is raised to the hard one at least, and stays when it is called again', (t) => {
  const before = libc().readDescriptorLimit();
  t.after(() => libc().writeDescriptorLimit({ ...before, hard: libc().readDescriptorLimit().hard }));
  libc().writeDescriptorLimit({ ...before, soft: 512 });
  const reached = raiseDescriptorLimit();
  assert.ok(reached >= before.hard, `${reached} of ${before.hard}`);
  assert.equal(libc().readDescriptorLimit().soft, reached);
  assert.equal(raiseDescriptorLimit(), reached);
});

test('what a process may not raise stays as it is', { skip: lacksRoot() }, () => {
  // No process may go beyond fs.nr_open, not even root.
  assert.throws(() => libc().writeDescriptorLimit({ soft: 2 ** 40, hard: 2 ** 40 }), { errnoName: 'EPERM', message: /limit of open descriptors/ });
});
