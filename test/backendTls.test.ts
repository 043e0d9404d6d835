import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { suite, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { makeAuthority, makeIntermediate, makeLeaf, type Issued, type LeafOptions } from './support/certificates.ts';
import type { Gatehouse } from './support/gatehouse.ts';
import { echoClient, startEchoServer } from './support/grpc.ts';
import { startLoad } from './support/load.ts';
import { ingress, nginx, opaqueSecret, service, tlsSecret, type BackendAddress, type Manifest } from './support/manifests.ts';
import { lacks } from './support/requirement.ts';
import { send } from './support/send.ts';
import { backendFor, serve } from './support/serve.ts';
import { startTlsBackend, type SeenByBackend } from './support/tlsBackend.ts';

const run = promisify(execFile);
const HOUR_MS = 3_600_000;

const authority = makeAuthority('Backend Root');
const strangers = makeAuthority('Stranger Root');
const clients = makeAuthority('Client Root');
const intermediate = makeIntermediate(authority);

/** A backend's own certificate, for the name that its Service has in the cluster unless `options` say otherwise. */
function leafOf(name: string, issuer: Issued | null = authority, options: LeafOptions = {}): Issued {
  return makeLeaf(issuer, name, { dnsNames: [`${name}.default.svc`], ...options });
}

function clientSecret(name: string, shown: Issued, authorityPem?: string): Manifest {
  const ca = authorityPem === undefined ? {} : { 'ca.crt': authorityPem };
  return opaqueSecret(name, { 'tls.crt': shown.chainPem, 'tls.key': shown.privateKeyPem, ...ca });
}

const outside = makeLeaf(null, 'outside.test');
const SECRETS: readonly Manifest[] = [
  opaqueSecret('authority', { 'ca.crt': authority.certificatePem }),
  opaqueSecret('strangers', { 'ca.crt': strangers.certificatePem }),
  opaqueSecret('broken', { 'ca.crt': 'no certificate' }),
  clientSecret('client', makeLeaf(clients, 'proxy', { usage: 'client' })),
  clientSecret('both', makeLeaf(clients, 'proxy', { usage: 'client' }), authority.certificatePem),
  clientSecret('other-client', makeLeaf(strangers, 'somebody else', { usage: 'client' })),
];

/** One host `NAME.test` with a Service of the same name. */
function hostOf(name: string, backends: readonly BackendAddress[], annotations: Record<string, string>): Manifest[] {
  return [
    ingress(name, `${name}.test`, [{ path: '/', service: name }], {
      annotations: nginx({ 'ssl-redirect': 'false', 'proxy-next-upstream': 'off', ...annotations }),
      spec: { tls: [{ hosts: [`${name}.test`], secretName: 'outside' }] },
    }),
    ...service(name, backends),
  ];
}

const OUTSIDE = tlsSecret('outside', { certificate: outside.chainPem, key: outside.privateKeyPem });

/** A case: the backend's certificate, the annotations, and what comes of it. */
interface Case {
  readonly says: string;
  readonly leaf?: (name: string) => Issued;
  /** The backend demands certificates of `clients`. */
  readonly asks?: boolean;
  readonly annotations: Record<string, string>;
  /** Of the answer; 200 when not given. */
  readonly status?: number;
  /** Part of what the backend saw. */
  readonly seen?: Partial<SeenByBackend>;
}

const VERIFIED = { 'proxy-ssl-secret': 'default/authority', 'proxy-ssl-verify': 'on' };
const expired = { notBeforeMs: Date.now() - 2 * HOUR_MS, notAfterMs: Date.now() - HOUR_MS };

const CASES: readonly Case[] = [
  { says: 'takes any certificate by default', leaf: (name) => leafOf(name, null, { dnsNames: ['elsewhere.test'], ...expired }), annotations: {}, seen: { serverName: null, client: null } },
  { says: 'takes any certificate where the authorities are given and verification is not asked for', leaf: (name) => leafOf(name, strangers), annotations: { 'proxy-ssl-secret': 'default/authority' } },
  { says: 'takes a certificate of the authority for the name of the Service', annotations: VERIFIED, seen: { serverName: null, tlsVersion: 'TLSv1.3' } },
  { says: 'refuses a certificate of another authority', annotations: { ...VERIFIED, 'proxy-ssl-secret': 'default/strangers' }, status: 502 },
  { says: 'refuses a self-signed certificate', leaf: (name) => leafOf(name, null), annotations: VERIFIED, status: 502 },
  { says: 'refuses a certificate for another name', leaf: (name) => leafOf(name, authority, { dnsNames: ['elsewhere.default.svc'] }), annotations: VERIFIED, status: 502 },
  { says: 'refuses an expired certificate', leaf: (name) => leafOf(name, authority, expired), annotations: VERIFIED, status: 502 },
  { says: 'refuses a certificate that is for clients', leaf: (name) => leafOf(name, authority, { usage: 'client' }), annotations: VERIFIED, status: 502 },
  { says: 'takes one intermediate certificate', leaf: (name) => leafOf(name, intermediate), annotations: VERIFIED },
  { says: 'refuses one intermediate certificate at depth 0', leaf: (name) => leafOf(name, intermediate), annotations: { ...VERIFIED, 'proxy-ssl-verify-depth': '0' }, status: 502 },
  {
    says: 'expects the name of proxy-ssl-name and sends it where proxy-ssl-server-name says so',
    leaf: (name) => leafOf(name, authority, { dnsNames: ['inside.test'] }),
    annotations: { ...VERIFIED, 'proxy-ssl-name': 'inside.test', 'proxy-ssl-server-name': 'on' },
    seen: { serverName: 'inside.test' },
  },
  {
    says: 'expects the name of proxy-ssl-name and sends none by default',
    leaf: (name) => leafOf(name, authority, { dnsNames: ['inside.test'] }),
    annotations: { ...VERIFIED, 'proxy-ssl-name': 'inside.test' },
    seen: { serverName: null },
  },
  { says: 'refuses a certificate without the name of proxy-ssl-name', annotations: { ...VERIFIED, 'proxy-ssl-name': 'inside.test' }, status: 502 },
  { says: 'shows its certificate to a backend that asks', asks: true, annotations: { 'proxy-ssl-secret': 'default/client' }, seen: { client: 'proxy' } },
  { says: 'shows its certificate and verifies that of the backend', asks: true, annotations: { ...VERIFIED, 'proxy-ssl-secret': 'default/both' }, seen: { client: 'proxy' } },
  { says: 'shows no certificate that it was not given', asks: true, annotations: {}, status: 502 },
  { says: 'is refused by a backend that does not know the issuer of its certificate', asks: true, annotations: { 'proxy-ssl-secret': 'default/other-client' }, status: 502 },
  { says: 'speaks the version of TLS that is asked for', annotations: { 'proxy-ssl-protocols': 'TLSv1.2' }, seen: { tlsVersion: 'TLSv1.2' } },
  { says: 'answers 503 where the Secret is missing', annotations: { 'proxy-ssl-secret': 'default/nowhere' }, status: 503 },
  { says: 'answers 503 where the Secret is broken', annotations: { 'proxy-ssl-secret': 'default/broken' }, status: 503 },
  { says: 'answers 503 where there is nothing to verify with', annotations: { 'proxy-ssl-verify': 'on' }, status: 503 },
];

interface Answer {
  readonly status: number;
  readonly seen: SeenByBackend | null;
}

/** A GET; the answer's body is what the backend says it saw. */
async function curl(gatehouse: Gatehouse, host: string, scheme: 'http' | 'https' = 'https', ...flags: readonly string[]): Promise<Answer> {
  const port = scheme === 'https' ? gatehouse.https : gatehouse.http;
  const { stdout } = await run('curl', ['-sSk', ...flags, '--resolve', `${host}:${port}:127.0.0.1`, '-w', '\n%{http_code}', `${scheme}://${host}:${port}/`]);
  const [body = '', code] = stdout.split(/\n(?=\d+$)/);
  return { status: Number(code), seen: Number(code) === 200 ? (JSON.parse(body) as SeenByBackend) : null };
}

async function startCase(t: TestContext, protocol: string, { leaf, asks, annotations }: Case, name: string): Promise<Manifest[]> {
  const asking = asks === true ? { clientAuthority: clients.certificatePem } : {};
  const backend = await startTlsBackend(t, name, (leaf ?? leafOf)(name), asking);
  return hostOf(name, [backend], { 'backend-protocol': protocol, ...annotations });
}

suite('TLS to backends', { skip: lacks('curl') }, () => {
  for (const [protocol, httpVersion] of [['HTTPS', '1.1'], ['GRPCS', '2.0'], ['AUTO_HTTP', '1.1']] as const) {
    test(protocol, async (t) => {
      const manifests = await Promise.all(CASES.map((each, index) => startCase(t, protocol, each, `case-${index}`)));
      const gatehouse = await serve(t, [OUTSIDE, ...SECRETS, ...manifests.flat()]);
      for (const [index, { says, status: expected = 200, seen: part }] of CASES.entries()) {
        await t.test(says, async () => {
          const { status: answered, seen } = await curl(gatehouse, `case-${index}.test`);
          assert.equal(answered, expected);
          if (expected === 200) assert.deepEqual({ ...seen, ...part }, seen);
          if (expected === 200) assert.deepEqual([seen?.backend, seen?.secure, seen?.httpVersion], [`case-${index}`, true, httpVersion]);
          // Once more: what was settled on the first connection, a session included, opens no way around it.
          assert.equal((await curl(gatehouse, `case-${index}.test`, 'https', '--http2')).status, expected);
        });
      }
    });
  }

  test('AUTO_HTTP speaks to backends as the client spoke; HTTPS always by TLS', async (t) => {
    const [automatic, always] = [await startTlsBackend(t, 'automatic', leafOf('automatic')), await startTlsBackend(t, 'always', leafOf('always'))];
    const gatehouse = await serve(t, [
      OUTSIDE,
      ...hostOf('automatic', [automatic], { 'backend-protocol': 'AUTO_HTTP' }),
      ...hostOf('always', [always], { 'backend-protocol': 'HTTPS' }),
    ]);
    const secure = async (host: string, scheme: 'http' | 'https'): Promise<unknown> => (await curl(gatehouse, host, scheme)).seen?.secure;
    assert.deepEqual([await secure('automatic.test', 'http'), await secure('automatic.test', 'https'), await secure('automatic.test', 'http')], [false, true, false]);
    assert.deepEqual([await secure('always.test', 'http'), await secure('always.test', 'https')], [true, true]);
  });

  test('a backend that speaks in clear text where TLS was agreed on is answered 502', async (t) => {
    const backend = await backendFor(t, 'plain');
    const gatehouse = await serve(t, [OUTSIDE, ...['HTTPS', 'GRPCS'].flatMap((protocol) => hostOf(protocol.toLowerCase(), [backend], { 'backend-protocol': protocol }))]);
    for (const host of ['https.test', 'grpcs.test']) assert.equal((await curl(gatehouse, host)).status, 502, host);
    assert.deepEqual(backend.requests, []);
  });
});

test('GRPCS shows a certificate, and takes none but that of the backend', async (t) => {
  const leaf = leafOf('grpc');
  const pair = { private_key: Buffer.from(leaf.privateKeyPem), cert_chain: Buffer.from(leaf.chainPem) };
  const server = await startEchoServer(t, ServerCredentials.createSsl(Buffer.from(clients.certificatePem), [pair], true));
  const backends = [{ address: '127.0.0.1', port: server.port }];
  const annotations = { 'backend-protocol': 'GRPCS', 'proxy-ssl-verify': 'on', 'proxy-ssl-secret': 'default/both' };
  const front = makeLeaf(strangers, 'grpc.test', { dnsNames: ['grpc.test', 'false.test'] });
  const gatehouse = await serve(t, [
    tlsSecret('outside', { certificate: front.chainPem, key: front.privateKeyPem }),
    ...SECRETS,
    ...hostOf('grpc', backends, annotations),
    ...hostOf('false', backends, annotations),
  ]);
  const clientOf = (host: string) => echoClient(t, gatehouse.https, { host, authorityPem: strangers.certificatePem });
  assert.equal((await clientOf('grpc.test').unary(Buffer.from('hello'))).answer.toString(), 'hello');
  await assert.rejects(clientOf('false.test').unary(Buffer.from('hello')), { code: status.UNAVAILABLE });
});

test('a client certificate is replaced under load without a failed request', async (t) => {
  const backend = await startTlsBackend(t, 'rotated', leafOf('rotated'), { clientAuthority: clients.certificatePem });
  const turn = (number: number): Manifest => clientSecret('rotating', makeLeaf(clients, `proxy ${number}`, { usage: 'client' }), authority.certificatePem);
  const annotations = { ...VERIFIED, 'backend-protocol': 'HTTPS', 'proxy-ssl-secret': 'default/rotating' };
  const gatehouse = await serve(t, [OUTSIDE, ...hostOf('rotated', [backend], annotations)]);
  await gatehouse.write('secret.yaml', [turn(0)]);
  const seen = new Set<string>();
  const load = startLoad(t, {
    lanes: 8,
    request: () => ({ port: gatehouse.http, host: 'rotated.test' }),
    judge({ status: answered, body }) {
      if (answered !== 200) return `status ${answered}: ${body}`;
      seen.add((JSON.parse(body) as SeenByBackend).client ?? '');
      return null;
    },
  });
  await load.answers(50);
  for (let number = 1; number <= 5; number += 1) {
    await gatehouse.write('secret.yaml', [turn(number)]);
    const { body } = await send({ port: gatehouse.http, host: 'rotated.test' });
    assert.equal((JSON.parse(body) as SeenByBackend).client, `proxy ${number}`, 'requests after the change are carried under the new certificate');
    await load.answers(50);
  }
  const { failures, closed } = await load.stop();
  assert.deepEqual([failures, closed], [[], 0]);
  assert.deepEqual(seen, new Set([0, 1, 2, 3, 4, 5].map((number) => `proxy ${number}`)));
});
