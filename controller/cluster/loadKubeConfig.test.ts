import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { KubeError } from './kubeApi.ts';
import { createKubeApi } from './kubeClient.ts';
import { KubeConfigError, type KubeConnection } from './kubeConnection.ts';
import { loadKubeConfig } from './loadKubeConfig.ts';
import { createManualClock } from '../../core/time/manualClock.ts';
import { makeAuthority, makeLeaf, type Issued } from '../../test/support/certificates.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-config-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

interface ConfigParts {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
  readonly currentContext?: string | null;
}

/** JSON is YAML. */
function writeConfig(path: string, { cluster = {}, user = {}, context = {}, currentContext = 'one' }: ConfigParts): string {
  const file = join(path, 'config');
  const server = 'https://127.0.0.1:6443';
  writeFileSync(file, JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'one', context: { cluster: 'c', user: 'u', ...context } }, { name: 'lost', context: { cluster: 'x', user: 'u' } }],
    ...(currentContext === null ? {} : { 'current-context': currentContext }),
  }));
  return file;
}

function load(kubeconfig: string | null, context: string | null = null): Promise<KubeConnection> {
  return loadKubeConfig({ kubeconfig, context, inCluster: false, environment: {} });
}

function says(...words: readonly RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof KubeConfigError, String(error));
    for (const word of words) assert.match(error.message, word);
    return true;
  };
}

suite('a kubeconfig file', () => {
  test('says server, namespace and who asks', async (t) => {
    const file = writeConfig(folder(t), { user: { token: 'abc' }, context: { namespace: 'shop' }, cluster: { server: 'https://kube.example:6443/base' } });
    const connection = await load(file);
    assert.deepEqual([connection.server.href, connection.namespace], ['https://kube.example:6443/base', 'shop']);
    assert.match(connection.description, /context "one" of /);
    assert.deepEqual((await connection.settings()).headers, { Authorization: 'Bearer abc' });
  });

  test('with a user and password asks by basic authentication', async (t) => {
    const { headers } = await (await load(writeConfig(folder(t), { user: { username: 'a', password: 'b' } }))).settings();
    assert.equal(headers['Authorization'], `Basic ${Buffer.from('a:b').toString('base64')}`);
  });

  test('that is not there, is a folder, or is no kubeconfig, is refused with the flag', async (t) => {
    const path = folder(t);
    await assert.rejects(load(join(path, 'none')), says(/--kubeconfig .*none cannot be read/));
    await assert.rejects(load(path), says(/--kubeconfig .* is no file/));
    const file = join(path, 'broken');
    for (const text of ['', '[', 'null', 'users: [{name: a, user: {token: my-secret-token}}\n', '{"clusters":[{"name":"c"}]}']) {
      writeFileSync(file, text);
      await assert.rejects(load(file), (error: unknown) => {
        assert.ok(says(/--kubeconfig/)(error));
        return !String((error as Error).message).includes('my-secret-token');
      });
    }
  });

  test('without a current context, or with one that is not there, names those there are', async (t) => {
    const file = writeConfig(folder(t), { currentContext: null });
    await assert.rejects(load(file), says(/no current-context/, /--context/, /one, lost/));
    await assert.rejects(load(file, 'two'), says(/no context "two"/, /one, lost/));
    await assert.rejects(load(file, 'lost'), says(/cluster that is not there/));
    assert.equal((await load(file, 'one')).server.port, '6443');
  });

  test('whose context names a user that is not there is refused', async (t) => {
    await assert.rejects(load(writeConfig(folder(t), { context: { user: 'x' } })), says(/user that is not there/));
  });

  test('with a server that is no https URL is refused unless it gives up verification', async (t) => {
    const path = folder(t);
    await assert.rejects(load(writeConfig(path, { cluster: { server: 'http://127.0.0.1:8080' } })), says(/insecure-skip-tls-verify/));
    await assert.rejects(load(writeConfig(path, { cluster: { server: 'kube' } })), says(/https URL/));
    const plain = { server: 'http://127.0.0.1:8080', 'insecure-skip-tls-verify': true };
    assert.equal((await load(writeConfig(path, { cluster: plain }))).server.protocol, 'http:');
  });

  test('with an exec plugin runs it once for requests that ask together', async (t) => {
    const path = folder(t);
    const script = `const fs=require('fs');fs.appendFileSync(${JSON.stringify(join(path, 'runs'))},'x');`
      + `console.log(JSON.stringify({status:{token:String(fs.readFileSync(${JSON.stringify(join(path, 'runs'))}))}}))`;
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', script] };
    const connection = await load(writeConfig(path, { user: { exec } }));
    const settings = await Promise.all([connection.settings(), connection.settings(), connection.settings()]);
    assert.deepEqual(settings.map(({ headers }) => headers['Authorization']), Array(3).fill('Bearer x'));
  });

  test('is read again when credentials are renewed, and stays as it was while it is broken', async (t) => {
    const path = folder(t);
    const file = writeConfig(path, { user: { token: 'old' } });
    const connection = await load(file);
    writeConfig(path, { user: { token: 'new' } });
    await connection.renew();
    assert.equal((await connection.settings()).headers['Authorization'], 'Bearer new');
    writeFileSync(file, '{');
    await connection.renew();
    assert.equal((await connection.settings()).headers['Authorization'], 'Bearer new');
  });
});

suite('in a cluster', () => {
  const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

  function serviceAccount(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
    const path = folder(t);
    const all = { 'ca.crt': 'CA', token: 'first\n', namespace: 'gatehouse\n', ...files };
    for (const [name, text] of Object.entries(all)) if (text !== '') writeFileSync(join(path, name), text);
    return path;
  }

  test('the ServiceAccount of the Pod asks, in its namespace', async (t) => {
    const options = { kubeconfig: null, context: null, inCluster: true, environment, serviceAccountFolder: serviceAccount(t) };
    const connection = await loadKubeConfig(options);
    assert.deepEqual([connection.server.href, connection.namespace], ['https://10.96.0.1/', 'gatehouse']);
    const { headers, tls } = await connection.settings();
    assert.deepEqual([headers, tls], [{ Authorization: 'Bearer first' }, { ca: 'CA', rejectUnauthorized: true }]);
    const six = { ...environment, KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    assert.equal((await loadKubeConfig({ ...options, environment: six })).server.href, 'https://[fd00::1]:6443/');
  });

  test('a token is read again after a minute, or when the API server refuses it', async (t) => {
    const path = serviceAccount(t);
    const clock = createManualClock();
    const connection = await loadKubeConfig({ kubeconfig: null, context: null, inCluster: true, environment, serviceAccountFolder: path, clock });
    const token = async (): Promise<string | undefined> => (await connection.settings()).headers['Authorization'];
    writeFileSync(join(path, 'token'), 'second');
    clock.advance(59_999);
    assert.equal(await token(), 'Bearer first');
    clock.advance(1);
    assert.equal(await token(), 'Bearer second');
    writeFileSync(join(path, 'token'), 'third');
    await connection.renew();
    assert.equal(await token(), 'Bearer third');
  });

  test('outside a Pod, or without its files, it is said what to do', async (t) => {
    const options = { kubeconfig: null, context: null, inCluster: true, environment };
    await assert.rejects(loadKubeConfig({ ...options, environment: {} }), says(/no Pod/, /--kubeconfig/));
    await assert.rejects(loadKubeConfig({ ...options, serviceAccountFolder: serviceAccount(t, { token: '' }) }), says(/token cannot be read/, /automountServiceAccountToken/));
    await assert.rejects(loadKubeConfig({ ...options, serviceAccountFolder: serviceAccount(t, { 'ca.crt': '' }) }), says(/ca\.crt/));
    await assert.rejects(loadKubeConfig({ ...options, serviceAccountFolder: serviceAccount(t, { token: ' \n' }) }), says(/empty/));
    await assert.rejects(loadKubeConfig({ ...options, context: 'x' }), says(/--context/));
    await assert.rejects(loadKubeConfig({ ...options, inCluster: false }), says(/--kubeconfig/));
  });
});

suite('TLS', () => {
  async function secureServer(t: TestContext, authority: Issued): Promise<string> {
    const leaf = makeLeaf(authority, 'kube.example');
    const server = https.createServer({ cert: leaf.chainPem, key: leaf.privateKeyPem, ca: authority.certificatePem, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      response.end(JSON.stringify({ client: subject?.CN ?? null }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const GET = { method: 'GET', path: '/version' } as const;

  test('a client certificate of the file is shown, and one that replaces it as well', async (t) => {
    const path = folder(t);
    const authority = makeAuthority();
    const server = await secureServer(t, authority);
    const certify = (name: string): void => {
      const client = makeLeaf(authority, name, { usage: 'client' });
      writeFileSync(join(path, 'client.crt'), client.chainPem);
      writeFileSync(join(path, 'client.key'), client.privateKeyPem);
    };
    certify('first');
    const cluster = { server, 'certificate-authority-data': base64(authority.certificatePem), 'tls-server-name': 'kube.example' };
    const api = createKubeApi(await load(writeConfig(path, { cluster, user: { 'client-certificate': 'client.crt', 'client-key': 'client.key' } })), { version: '0' });
    t.after(() => api.close());
    assert.deepEqual(await api.request(GET), { client: 'first' });
    certify('second');
    assert.deepEqual(await api.request(GET), { client: 'second' });
  });

  test('a server that the authority did not sign, or of another name, is not spoken to', async (t) => {
    const authority = makeAuthority();
    const server = await secureServer(t, authority);
    for (const cluster of [
      { server, 'certificate-authority-data': base64(makeAuthority('Other').certificatePem), 'tls-server-name': 'kube.example' },
      { server, 'certificate-authority-data': base64(authority.certificatePem), 'tls-server-name': 'other.example' },
    ]) {
      const api = createKubeApi(await load(writeConfig(folder(t), { cluster })), { version: '0' });
      t.after(() => api.close());
      await assert.rejects(api.request(GET), (error) => error instanceof KubeError && error.code === 'unreachable');
    }
  });
});
