import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FOREIGN_FORMS, foreignType } from './foreignForms.ts';
import { isPermitted, DEFAULT_NAMES } from '../../cluster/permissions.ts';

test('What another product calls an object is known from our kind and its group', () => {
  assert.deepEqual(foreignType('IPAddressPool', 'metallb.io'), { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool' });
  assert.deepEqual(foreignType('BGPPeer', 'metallb.io'), { apiVersion: 'metallb.io/v1beta2', kind: 'BGPPeer' });
  assert.deepEqual(foreignType('IPAddressPool', 'network.kubesphere.io'), { apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip' });
  assert.deepEqual(foreignType('L2Advertisement', 'network.kubesphere.io'), { apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip' });
  assert.deepEqual(foreignType('BGPPeer', 'network.kubesphere.io'), { apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'BgpPeer' });
  assert.equal(foreignType('IPAddressPool', 'gatehouse.dev'), null);
});

test('An installation with --compat may read all that its forms name', () => {
  for (const { product, resources } of FOREIGN_FORMS) {
    const features = ['core', product === 'metallb' ? 'compatMetallb' : 'compatOpenelb'] as const;
    for (const { group, plural: resource, only } of resources) {
      for (const verb of only === null ? (['list', 'watch'] as const) : (['get', 'watch'] as const)) {
        const attributes = { group, resource, subresource: '', verb, namespace: only?.namespace ?? '', name: only?.name ?? '' };
        assert.ok(isPermitted(attributes, { features, namespace: 'gatehouse-system', names: DEFAULT_NAMES }), `${verb} ${resource}.${group}`);
      }
    }
  }
});
