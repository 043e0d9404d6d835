import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { V1Ingress } from '@kubernetes/client-node';
import { makeAuthority, makeLeaf, type Issued } from '../support/certificates.ts';
import { service, tlsSecret } from '../support/manifests.ts';
import { send } from '../support/send.ts';
import { serve } from '../support/serve.ts';
import { addressesOf } from './ingressStatus.ts';
import { pod, sawBy } from './podEcho.ts';

suite('host_rules', () => {
  test('an Ingress with a TLS host and a wildcard host', async (t: TestContext) => {
    const authority = makeAuthority();
    const plain = await pod(t, 'foo-bar-com');
    const wild = await pod(t, 'wildcard-foo-com');
    const gatehouse = await serve(t, [
      hostRules(),
      ...service('foo-bar-com', [plain]),
      ...service('wildcard-foo-com', [wild]),
      secret(makeLeaf(authority, 'foo.bar.com')),
    ]);
    assert.notDeepEqual(await addressesOf(gatehouse, 'host-rules'), []);
    const { http, https } = gatehouse;

    await t.test('host_rules: https to the TLS host reaches its service, and the certificate verifies for it', async () => {
      await sawBy('foo-bar-com', { port: https, host: 'foo.bar.com', tls: { ca: authority.certificatePem, rejectUnauthorized: true } });
    });
    await t.test('host_rules: http to the same host is served as well', async () => {
      await sawBy('foo-bar-com', { port: http, host: 'foo.bar.com' });
    });
    await t.test('host_rules: another host of the same domain is not found', async () => {
      assert.equal((await send({ port: http, host: 'subdomain.bar.com' })).status, 404);
    });
    await t.test('host_rules: a host one label under the wildcard reaches its service', async () => {
      await sawBy('wildcard-foo-com', { port: http, host: 'bar.foo.com' });
    });
    await t.test('host_rules: a host two labels under the wildcard is not found', async () => {
      assert.equal((await send({ port: http, host: 'baz.bar.foo.com' })).status, 404);
    });
    await t.test('host_rules: the domain of the wildcard itself is not found', async () => {
      assert.equal((await send({ port: http, host: 'foo.com' })).status, 404);
    });
  });
});

/** Names its Services' port by name, as the suite does. */
function hostRules(): V1Ingress {
  const to = (name: string): { paths: { path: string; pathType: string; backend: { service: { name: string; port: { name: string } } } }[] } => ({
    paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name, port: { name: 'http' } } } }],
  });
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'host-rules', namespace: 'default' },
    spec: {
      tls: [{ hosts: ['foo.bar.com'], secretName: 'conformance-tls' }],
      rules: [
        { host: '*.foo.com', http: to('wildcard-foo-com') },
        { host: 'foo.bar.com', http: to('foo-bar-com') },
      ],
    },
  };
}

function secret(leaf: Issued): ReturnType<typeof tlsSecret> {
  return tlsSecret('conformance-tls', { certificate: leaf.chainPem, key: leaf.privateKeyPem });
}
