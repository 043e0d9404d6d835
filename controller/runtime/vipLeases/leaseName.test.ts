import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vipLeaseName } from './leaseName.ts';

test('a Lease is named after its VIP, as Kubernetes allows it, however the address is written', () => {
  const names = ['192.0.2.10', '2001:db8::10', '2001:db8::', '::', 'fd00:1:2:3:4:5:6:7'].map(vipLeaseName);
  assert.deepEqual(names.slice(0, 3), ['gatehouse-vip-192-0-2-10', 'gatehouse-vip-2001-db8-0-0-0-0-0-10', 'gatehouse-vip-2001-db8-0-0-0-0-0-0']);
  for (const name of names) assert.match(name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
  assert.throws(() => vipLeaseName('web'), TypeError);
});
