import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Certificate, CertificateKey } from './certificate.ts';
import { printSnapshot } from './printSnapshot.ts';
import type { Snapshot } from './snapshot.ts';
import type { HostPattern } from '../net/hostPattern.ts';

const SECRET = '-----BEGIN PRIVATE KEY-----';

function certificate(key: string): Certificate {
  return { key: key as CertificateKey, chainPem: 'chain', privateKeyPem: SECRET, fingerprint: 'ab', notAfterMs: 7 };
}

function snapshot(hosts: readonly string[]): Snapshot {
  const keys = hosts.map((host) => host as HostPattern);
  return {
    settings: {
      limits: {
        requestLineBytes: 1, fieldLineBytes: 1, headerBytes: 1, headerCount: 1, headerTimeoutMs: 1, bodyTimeoutMs: 1, sendTimeoutMs: 1,
        keepAliveTimeoutMs: 1, keepAliveRequests: 1, tlsHandshakeTimeoutMs: 1, connectionsPerWorker: 1,
      },
      upstreamKeepAlive: { connections: 1, idleTimeoutMs: 1, requests: 1, maxAgeMs: 1 },
      forwardedHeaders: { trustedCidrs: [], appendForwardedFor: false },
      accessLog: true,
      http2: { enabled: true, cleartext: false, maxConcurrentStreams: 1, maxRequests: null },
      proxyProtocol: null,
      sessionTickets: true,
    },
    virtualHosts: new Map(keys.map((host) => [host, { host, routes: [] }])),
    clusters: new Map(),
    certificates: new Map(hosts.map((host) => [host as CertificateKey, certificate(host)])),
    serverNames: new Map(keys.map((host) => [host, host as string as CertificateKey])),
    l4Listeners: new Map(),
    passthrough: new Map(),
  };
}

test('equal snapshots print equally whatever order they were filled in', () => {
  const print = (hosts: readonly string[]): string => JSON.stringify(printSnapshot(snapshot(hosts)));
  assert.equal(print(['b.test', '*', '__proto__', 'a.test']), print(['__proto__', 'a.test', '*', 'b.test']));
});

test('a host named __proto__ is printed like any other', () => {
  assert.deepEqual(printSnapshot(snapshot(['__proto__'])).serverNames, [{ serverName: '__proto__', certificate: '__proto__' }]);
});

test('no private key is ever printed', () => {
  const printed = printSnapshot(snapshot(['a.test']));
  assert.deepEqual(printed.certificates, [{ key: 'a.test', fingerprint: 'ab', notAfterMs: 7 }]);
  assert.ok(!JSON.stringify(printed).includes(SECRET));
});

test('what is printed survives JSON', () => {
  const printed = printSnapshot(snapshot(['a.test']));
  assert.deepEqual(JSON.parse(JSON.stringify(printed)), printed);
});
