import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields } from '../http/fields.ts';
import { draftOf, finishDraft } from './exchangeRecord.ts';
import { NO_ROUTE, routeSubject } from './routeSubject.ts';
import type { CertificateKey } from '../../core/ir/certificate.ts';
import type { Cluster, ClusterKey } from '../../core/ir/cluster.ts';
import type { Route, VirtualHost } from '../../core/ir/virtualHost.ts';
import type { Exchange } from '../http/exchange.ts';
import type { HostPattern } from '../../core/net/hostPattern.ts';

function testExchange(): Exchange {
  const fields = new Fields();
  fields.append('User-Agent', 'user-agent', 'curl/8');
  const unused = (): never => assert.fail('the record only looks at an exchange');
  return {
    request: {
      method: 'POST',
      scheme: 'https',
      authority: 'shop.test:8443',
      target: '/buy?x=1',
      fields,
      bodyLength: 3,
      upgrade: null,
      expectsContinue: false,
      protocol: 'HTTP/1.1',
    },
    client: {
      remoteAddress: '192.0.2.9',
      remotePort: 40_000,
      localAddress: '192.0.2.1',
      localPort: 8443,
      tls: { serverName: 'shop.test', protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', certificate: 'default' as CertificateKey, clientAuth: null },
    },
    startedAtMs: 1000,
    requestBytes: 200,
    responseBodyBytes: 20,
    responseBytes: 120,
    start: unused,
    resumeBody: unused,
    sendContinue: unused,
    sendInformational: unused,
    sendHead: unused,
    write: unused,
    end: unused,
    acceptUpgrade: unused,
    abort: unused,
  };
}

test('a draft takes the request side at the start and sizes and times at the end', () => {
  const exchange = testExchange();
  const draft = draftOf(exchange, 'id-1');
  draft.status = 201;
  draft.answeredBy = 'upstream';
  const record = finishDraft(draft, exchange, { nowMs: 1012.5, wallMs: 1_795_219_428_083 });
  assert.deepEqual(record, {
    remoteAddress: '192.0.2.9',
    remoteUser: null,
    timeMs: 1_795_219_428_083,
    method: 'POST',
    target: '/buy?x=1',
    protocol: 'HTTP/1.1',
    scheme: 'https',
    tlsProtocol: 'TLSv1.3',
    host: 'shop.test:8443',
    referer: null,
    userAgent: 'curl/8',
    requestId: 'id-1',
    status: 201,
    requestLength: 200,
    bodyBytesSent: 20,
    bytesSent: 120,
    requestTimeMs: 12.5,
    subject: NO_ROUTE,
    answeredBy: 'upstream',
    tries: [],
  });
});

test('drafts share no list of tries', () => {
  const [one, other] = [draftOf(testExchange(), '1'), draftOf(testExchange(), '2')];
  assert.notEqual(one.tries, other.tries);
});

test('a subject names the Ingress, the primary and the canary of what was matched', () => {
  const cluster = (name: string): Cluster => ({
    key: `shop/${name}:80` as ClusterKey,
    name: `shop-${name}-80`,
    namespace: 'shop',
    service: name,
    port: '80',
    endpoints: [],
    unavailable: null,
    balance: { type: 'roundRobin' },
    affinity: null,
  });
  const route = { match: { type: 'prefix', value: '/a' }, ingress: { kind: 'Ingress', namespace: 'shop', name: 'web' } };
  const virtualHost: VirtualHost = { host: '*' as HostPattern, routes: [] };
  const matched = { virtualHost, route: route as Route, primary: cluster('web'), canary: cluster('next') };
  assert.deepEqual(routeSubject(matched), {
    namespace: 'shop',
    ingress: 'web',
    service: 'web',
    servicePort: '80',
    host: '*',
    path: '/a',
    upstreamName: 'shop-web-80',
    canary: 'shop-next-80',
  });
  const { service, upstreamName, canary } = routeSubject({ ...matched, primary: null, canary: null });
  assert.deepEqual([service, upstreamName, canary], ['', '', '']);
});
