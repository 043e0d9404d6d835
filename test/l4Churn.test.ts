import assert from 'node:assert/strict';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { freePort } from '../bench/child.ts';
import type { Backend } from './support/backend.ts';
import { makeAuthority, makeLeaf, type Issued } from './support/certificates.ts';
import { askTcp, openUdp, startTcpEcho, startUdpEcho } from './support/echo.ts';
import type { Gatehouse } from './support/gatehouse.ts';
import { echoClient, startEchoServer } from './support/grpc.ts';
import { startLane, type Lane } from './support/lane.ts';
import { loadBalancer, testRange } from './support/loadBalancer.ts';
import { ingress, nginx, service, settings, tlsSecret, type BackendAddress, type Manifest } from './support/manifests.ts';
import { backendFor, serve } from './support/serve.ts';
import { send } from './support/send.ts';

const ROUNDS = 20;
/** Fresh connections that must all see a change once it is said to be applied: enough to meet both workers. */
const PROBES = 4;
const HOST = 'tls.test';
const authority = makeAuthority();
const leaves = [makeLeaf(authority, HOST), makeLeaf(authority, HOST)] as const;
const passedLeaf = makeLeaf(authority, 'passed.test');
const { prefix, pool } = testRange();
/** Of the Services `stable`, `split` (with a canary) and `moving`, which asks for two addresses in turn. */
const [STABLE, SPLIT, ...MOVING] = [`${prefix}.1`, `${prefix}.2`, `${prefix}.3`, `${prefix}.4`] as const;

/** Ports and backends; every backend of a pair can be taken out. */
interface World {
  readonly gatehouse: Gatehouse;
  readonly port: number;
  readonly extraPort: number;
  readonly web: readonly [Backend, Backend];
  readonly tcp: readonly [BackendAddress, BackendAddress];
  readonly udp: readonly [BackendAddress, BackendAddress];
  readonly grpc: readonly [BackendAddress, BackendAddress];
  readonly tls: BackendAddress;
}

const at = (port: number): BackendAddress => ({ address: '127.0.0.1', port });

async function startTlsEcho(t: TestContext): Promise<number> {
  const server = createTlsServer({ cert: passedLeaf.chainPem, key: passedLeaf.privateKeyPem }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function startWorld(t: TestContext): Promise<World> {
  const echo = (name: string) => backendFor(t, name, (request, response) => void request.pipe(response));
  const backends = {
    web: [await echo('w0'), await echo('w1')],
    tcp: [at((await startTcpEcho(t, 'zero')).port), at((await startTcpEcho(t, 'one.')).port)],
    udp: [at((await startUdpEcho(t, 'zero')).port), at((await startUdpEcho(t, 'one.')).port)],
    grpc: [at((await startEchoServer(t)).port), at((await startEchoServer(t)).port)],
    tls: at(await startTlsEcho(t)),
    port: await freePort(),
    extraPort: await freePort(),
  } as const;
  const tls = [{ hosts: [HOST], secretName: 'rotated' }];
  const gatehouse = await serve(t, [
    pool,
    settings({ 'keep-alive-requests': '1000000' }),
    ingress('web', HOST, [{ path: '/', service: 'web' }], { spec: { tls } }),
    ingress('grpc', HOST, [{ path: '/test.Echo', service: 'grpc' }], { annotations: nginx({ 'backend-protocol': 'GRPC', 'proxy-body-size': '0' }), spec: { tls } }),
    ingress('passed', 'passed.test', [{ path: '/', service: 'passed' }], { annotations: nginx({ 'ssl-passthrough': 'true' }) }),
    ...service('passed', [backends.tls]),
    ...stable(backends, [0, 1]),
    ...split(backends, '0'),
  ], { args: ['--configmap', 'default/settings'] });
  const world = { gatehouse, ...backends };
  for (const [file, objects] of [['web.yaml', service('web', world.web)], ['grpc.yaml', service('grpc', world.grpc)], ['certificate.yaml', [rotated(leaves[1])]]] as const) {
    await gatehouse.write(file, objects);
  }
  return world;
}

function rotated(leaf: Issued): Manifest {
  return tlsSecret('rotated', { certificate: leaf.chainPem, key: leaf.privateKeyPem });
}
