import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../../core/ir/cluster.ts';
import type { Snapshot } from '../../../core/ir/snapshot.ts';
import { makeAuthority, makeLeaf, type Issued } from '../../../test/support/certificates.ts';
import { ObjectStore } from '../../model/store.ts';
import { decodeAll, ingressValue } from '../testdata/manyObjects.ts';
import { CASE_OPTIONS } from '../testdata/readCase.ts';
import { translate } from '../translate.ts';
import type { Translation } from '../translation.ts';

const authority = makeAuthority('Backends');
const client = makeLeaf(authority, 'proxy');
const renewed = makeLeaf(authority, 'proxy');
const prefix = 'nginx.ingress.kubernetes.io/';

function run(data: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>> = {}, nowMs = Date.now()): Translation {
  const backend = { service: { name: 'web', port: { number: 443 } } };
  const rules = [{ host: 'a.test', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }];
  const all = { 'backend-protocol': 'HTTPS', 'proxy-ssl-secret': 'default/backends', ...annotations };
  const prefixed = Object.fromEntries(Object.entries(all).map(([name, value]) => [prefix + name, value]));
  const store = new ObjectStore();
  const upserts = decodeAll([
    ingressValue('web', { rules }, prefixed),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'backends' }, type: 'Opaque', stringData: data },
  ]);
  store.apply({ upserts, deletes: [] });
  return translate(store, { ...CASE_OPTIONS, nowMs });
}

function clusterOf({ clusters }: Snapshot): Cluster {
  const [cluster] = clusters.values();
  assert.ok(cluster !== undefined && clusters.size === 1);
  return cluster;
}

function pair({ chainPem, privateKeyPem }: Issued): Record<string, string> {
  return { 'tls.crt': chainPem, 'tls.key': privateKeyPem };
}

test('a certificate for backends is in the snapshot under the key its transport names, and answers no server name', () => {
  const { snapshot } = run({ 'ca.crt': authority.certificatePem, ...pair(client) }, { 'proxy-ssl-verify': 'on' });
  const tls = clusterOf(snapshot).transport?.tls;
  assert.equal(tls?.clientCertificate, 'default/backends');
  assert.equal(tls?.authoritiesPem, authority.certificatePem);
  assert.ok(tls?.clientCertificate !== null && tls?.clientCertificate !== undefined);
  assert.equal(snapshot.certificates.get(tls.clientCertificate)?.chainPem, client.chainPem);
  assert.equal(snapshot.serverNames.size, 0);
});

test('a certificate without authorities is shown to backends that nobody verifies', () => {
  const tls = clusterOf(run(pair(client)).snapshot).transport?.tls;
  assert.equal(tls?.clientCertificate, 'default/backends');
  assert.equal(tls?.authoritiesPem, null);
});

test('whatever changes about the TLS of a backend gives it another identity and another cluster', () => {
  const verify = { 'proxy-ssl-verify': 'on' };
  const ca = { 'ca.crt': authority.certificatePem };
  const other = { 'ca.crt': makeAuthority('Others').certificatePem };
  const transports = [
    run(ca), run(ca, verify), run(other, verify), run({ ...ca, ...pair(client) }, verify), run({ ...ca, ...pair(renewed) }, verify),
    run(ca, { ...verify, 'proxy-ssl-verify-depth': '2' }), run(ca, { ...verify, 'proxy-ssl-name': 'b.test' }),
    run(ca, { ...verify, 'proxy-ssl-server-name': 'on' }), run(ca, { ...verify, 'proxy-ssl-protocols': 'TLSv1.3' }),
    run(ca, { ...verify, 'proxy-ssl-ciphers': 'HIGH' }), run(ca, { ...verify, 'backend-protocol': 'GRPCS' }),
    run(ca, { ...verify, 'backend-protocol': 'AUTO_HTTP' }),
  ].map(({ snapshot }) => clusterOf(snapshot));
  assert.equal(new Set(transports.map(({ transport }) => transport?.identity)).size, transports.length);
  assert.equal(new Set(transports.map(({ key }) => key)).size, transports.length);
});

test('equal content gives an equal identity', () => {
  const data = { 'ca.crt': authority.certificatePem, ...pair(client) };
  assert.deepEqual(clusterOf(run(data).snapshot), clusterOf(run(data).snapshot));
});

test('an expired certificate is shown to backends and reported', () => {
  const { snapshot, problems } = run(pair(client), {}, Date.now() + 400 * 24 * 60 * 60 * 1000);
  assert.equal(clusterOf(snapshot).transport?.tls?.clientCertificate, 'default/backends');
  assert.ok(problems.some(({ rule }) => rule === 'must name a Secret whose tls.crt has not expired'));
});

test('the private key of another certificate denies the Ingress, and no problem shows any of it', () => {
  const { snapshot, problems } = run({ ...pair(client), 'tls.key': renewed.privateKeyPem });
  assert.equal(snapshot.clusters.size, 0);
  const action = snapshot.virtualHosts.values().next().value?.routes[0]?.action;
  assert.ok(action?.type === 'respond' && action.status === 503);
  assert.doesNotMatch(JSON.stringify(problems), /PRIVATE|BEGIN/);
});
