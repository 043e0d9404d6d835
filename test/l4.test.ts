import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from '../bench/child.ts';
import { askTcp, openUdp, startTcpEcho, startTcpEchoProcess, startUdpEcho, type UdpClient } from './support/echo.ts';
import { iperf3Listens, IPERF3_SERVER, readIperf3 } from './support/iperf3.ts';
import { loadBalancer, pool as makePool, servicesOf, testRange } from './support/loadBalancer.ts';
import { scrape, total } from './support/metrics.ts';
import { residentBytes } from './support/processState.ts';
import { lacks } from './support/requirement.ts';
import { serve } from './support/serve.ts';

const run = promisify(execFile);
const { prefix, pool } = testRange();
const VIP = `${prefix}.1`;

const at = (port: number) => ({ address: '127.0.0.1', port });

/** The name of the backend that a new connection reaches. */
async function reaches(port: number): Promise<string> {
  return (await askTcp(VIP, port, 'x')).toString().split(':', 1)[0] ?? '';
}

test('a Service of type LoadBalancer gets an address, and all its ports answer there by TCP and UDP', async (t) => {
  const [tcp, udp, port] = [await startTcpEcho(t, 'tcp'), await startUdpEcho(t, 'udp'), await freePort()];
  const ports = [{ port, backends: [at(tcp.port)] }, { port, protocol: 'UDP' as const, backends: [at(udp.port)] }];
  const gatehouse = await serve(t, [pool, ...loadBalancer('echo', ports)]);
  const service = servicesOf(await gatehouse.api('/api/v1/status')).get('echo');
  assert.deepEqual([service?.addresses, service?.pool, service?.forwarding], [[VIP], 'test', 'proxy']);
  assert.equal((await askTcp(VIP, port, 'hello')).toString(), 'tcp:hello');
  const client = await openUdp(t, VIP, port);
  assert.equal(await client.ask('hello'), 'udp:hello');
  assert.equal(await client.ask('x'.repeat(8000)), `udp:${'x'.repeat(8000)}`);
});

test('a Service with an IPv6 address answers there, its endpoints being of the other family', async (t) => {
  const [tcp, udp, port] = [await startTcpEcho(t, 'tcp'), await startUdpEcho(t, 'udp'), await freePort()];
  const ports = [{ port, backends: [at(tcp.port)] }, { port, protocol: 'UDP' as const, backends: [at(udp.port)] }];
  const gatehouse = await serve(t, [makePool('six', ['::1/128']), ...loadBalancer('echo', ports, { spec: { ipFamilies: ['IPv6'] } })]);
  assert.deepEqual(servicesOf(await gatehouse.api('/api/v1/status')).get('echo')?.addresses, ['::1']);
  assert.equal((await askTcp('::1', port, 'hello')).toString(), 'tcp:hello');
  const socket = createSocket('udp6');
  t.after(() => socket.close());
  const answer = once(socket, 'message');
  socket.send('hello', port, '::1');
  const [datagram, from] = (await answer) as [Buffer, { address: string; port: number }];
  assert.deepEqual([datagram.toString(), from.address, from.port], ['udp:hello', '::1', port]);
});

test('a port without endpoints resets at once, and works when one comes', async (t) => {
  const [backend, port] = [await startTcpEcho(t, 'late'), await freePort()];
  const gatehouse = await serve(t, [pool, ...loadBalancer('echo', [{ port, backends: [] }])]);
  await assert.rejects(askTcp(VIP, port, 'x'), { code: 'ECONNRESET' });
  await gatehouse.write('manifests.yaml', [pool, ...loadBalancer('echo', [{ port, backends: [at(backend.port)] }])]);
  assert.equal(await reaches(port), 'late');
});

test('a port that is no longer wanted refuses, and what was open on it goes on', async (t) => {
  const [backend, port, other] = [await startTcpEcho(t, 'one'), await freePort(), await freePort()];
  const both = [{ port, backends: [at(backend.port)] }, { port: other, backends: [at(backend.port)] }];
  const gatehouse = await serve(t, [pool, ...loadBalancer('echo', both)]);
  const socket = connect(port, VIP);
  await once(socket, 'data');
  t.after(() => socket.destroy());
  await gatehouse.write('manifests.yaml', [pool, ...loadBalancer('echo', both.slice(1))]);
  for (;;) {
    const refused = await askTcp(VIP, port, 'x').then(() => false, (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED');
    if (refused) break;
  }
  socket.write('still here');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.equal(answer.toString(), 'still here');
  assert.equal(await reaches(other), 'one');
});

test('loadBalancerSourceRanges keeps everybody else out', async (t) => {
  const [backend, port] = [await startTcpEcho(t, 'one'), await freePort()];
  await serve(t, [pool, ...loadBalancer('echo', [{ port, backends: [at(backend.port)] }], { spec: { loadBalancerSourceRanges: ['127.9.0.0/16'] } })]);
  assert.equal((await askTcp(VIP, port, 'x', '127.9.1.1')).toString(), 'one:x');
  await assert.rejects(askTcp(VIP, port, 'x', '127.8.1.1'), { code: 'ECONNRESET' });
});

test('sessionAffinity ClientIP keeps each client at its endpoint', async (t) => {
  const [one, two, port] = [await startTcpEcho(t, 'one'), await startTcpEcho(t, 'two'), await freePort()];
  const spec = { sessionAffinity: 'ClientIP' };
  await serve(t, [pool, ...loadBalancer('echo', [{ port, backends: [at(one.port), at(two.port)] }], { spec })], { workers: 4 });
  for (const client of ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']) {
    const names = new Set<string>();
    for (let turn = 0; turn < 10; turn += 1) names.add((await askTcp(VIP, port, '', client)).toString());
    assert.equal(names.size, 1, client);
  }
});

test('a canary Service gets its share, and another weight holds for new connections only', async (t) => {
  const [main, canary, port] = [await startTcpEcho(t, 'main'), await startTcpEcho(t, 'canary'), await freePort()];
  const manifests = (weight: number) => [
    pool,
    ...loadBalancer('echo', [{ name: 'echo', port, backends: [at(main.port)] }]),
    ...loadBalancer('echo-next', [{ name: 'echo', port, backends: [at(canary.port)] }], {
      annotations: { 'gatehouse.dev/canary-of': 'echo', 'gatehouse.dev/canary-weight': String(weight) },
      spec: { type: 'ClusterIP' },
    }),
  ];
  const gatehouse = await serve(t, manifests(20));
  const counts = { main: 0, canary: 0 };
  for (let turn = 0; turn < 1000; turn += 1) counts[(await reaches(port)) as 'main' | 'canary'] += 1;
  // Five standard deviations of 1,000 draws at 0.2: one run in two million is outside.
  assert.ok(Math.abs(counts.canary - 200) < 5 * Math.sqrt(1000 * 0.2 * 0.8), JSON.stringify(counts));
  const open: Socket[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    const socket = connect(port, VIP);
    const [name] = (await once(socket, 'data')) as [Buffer];
    assert.match(name.toString(), /^(main|canary):$/);
    open.push(socket);
  }
  await gatehouse.write('manifests.yaml', manifests(100));
  for (let turn = 0; turn < 20; turn += 1) assert.equal(await reaches(port), 'canary');
  for (const socket of open) {
    socket.write('open');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'open');
    socket.destroy();
  }
});

test('ConfigMaps of TCP and UDP services open their ports, as in ingress-nginx', async (t) => {
  const [tcp, udp, port, udpPort] = [await startTcpEcho(t, 'tcp'), await startUdpEcho(t, 'udp'), await freePort(), await freePort()];
  const services = (name: string, data: Record<string, string>) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data });
  const inside = { spec: { type: 'ClusterIP' } };
  await serve(
    t,
    [
      services('tcp', { [String(port)]: 'default/echo:7' }),
      services('udp', { [String(udpPort)]: 'default/answer:53' }),
      ...loadBalancer('echo', [{ port: 7, backends: [at(tcp.port)] }], inside),
      ...loadBalancer('answer', [{ port: 53, protocol: 'UDP', backends: [at(udp.port)] }], inside),
    ],
    { args: ['--tcp-services-configmap', 'default/tcp', '--udp-services-configmap', 'default/udp'] },
  );
  assert.equal((await askTcp('127.0.0.1', port, 'hello')).toString(), 'tcp:hello');
  assert.equal(await (await openUdp(t, '127.0.0.1', udpPort)).ask('hello'), 'udp:hello');
});

test('iperf3 goes through a VIP by TCP and by UDP', { skip: lacks('iperf3') }, async (t) => {
  const [backendPort, port] = [await freePort(), await freePort()];
  const server = execFile('iperf3', [...IPERF3_SERVER, '-B', '127.0.0.1', '-p', String(backendPort)]);
  t.after(() => server.kill());
  await iperf3Listens(server);
  const backends = [at(backendPort)];
  await serve(t, [pool, ...loadBalancer('iperf', [{ port, backends }, { port, protocol: 'UDP', backends }])]);
  const flags = ['-J', '-c', VIP, '-p', String(port), '-t', '1'];
  const tcp = readIperf3((await run('iperf3', flags)).stdout);
  assert.ok(tcp.sum_received.bytes > 1_000_000);
  const { sum: udp } = readIperf3((await run('iperf3', [...flags, '-u', '-b', '20M'])).stdout);
  assert.ok(udp.bytes > 1_000_000 && udp.lost_percent < 50, JSON.stringify(udp));
});

test('dig asks a name server on a VIP', { skip: lacks('dig') }, async (t) => {
  const server = createSocket('udp4');
  // Header with QR, AA and one answer; the question as asked; a pointer to it, A, IN, 60 s, 192.0.2.7.
  server.on('message', (query, client) => {
    const end = query.indexOf(0, 12) + 5;
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
    server.send(Buffer.concat([head, query.subarray(12, end), answer]), client.port, client.address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const port = await freePort();
  await serve(t, [pool, ...loadBalancer('dns', [{ port, protocol: 'UDP', backends: [at(server.address().port)] }])]);
  const { stdout } = await run('dig', ['+short', '+noedns', `@${VIP}`, '-p', String(port), 'shop.test', 'A']);
  assert.equal(stdout, '192.0.2.7\n');
});

/** Opens `count` connections a few hundred at a time; each has had the backend's greeting. */
async function openMany(t: TestContext, port: number, count: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  t.after(() => { for (const socket of sockets) socket.destroy(); });
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(250, count - sockets.length) }, () => connect(port, VIP));
    sockets.push(...batch);
    await Promise.all(batch.map((socket) => once(socket, 'data')));
  }
  return sockets;
}

/** Each costs the proxy two descriptors, and a process may have so many (`ulimit -Hn`); the rest is for itself. */
async function mostConnections(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const most = Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1]);
  return Math.min(10_000, Math.floor((most - 400) / 2));
}

test('10,000 connections at a time are all served, or as many as a process may have', async (t) => {
  const [backend, port] = [await startTcpEchoProcess(t), await freePort()];
  const gatehouse = await serve(t, [pool, ...loadBalancer('echo', [{ port, backends: [at(backend.port)] }])]);
  const pid = await gatehouse.proxyPid();
  const freshBytes = await residentBytes(pid);
  const sockets = await openMany(t, port, await mostConnections());
  const answers = await Promise.all(sockets.map(async (socket, index) => {
    const answer = once(socket, 'data');
    socket.write(`message ${index}`);
    const [data] = (await answer) as [Buffer];
    return data.toString();
  }));
  t.diagnostic(`${sockets.length} connections: ${growth(freshBytes, await residentBytes(pid), sockets.length)}`);
  assert.ok(answers.every((answer, index) => answer === `message ${index}`));
});

/** Resident memory of the proxy, in words. */
function growth(fromBytes: number, toBytes: number, count: number): string {
  const [from, to] = [fromBytes, toBytes].map((bytes) => (bytes / 2 ** 20).toFixed(0));
  return `the proxy grew from ${from} to ${to} MiB, ${((toBytes - fromBytes) / count / 1024).toFixed(1)} KiB each`;
}

/** So many that no address has more sessions than one may have (an eighth of the most, 2,048), with room to spare. */
const CLIENT_ADDRESSES = 125;
const SESSIONS = 10_000;

test('10,000 UDP sessions at a time each keep their own reply path', async (t) => {
  const [backend, port] = [await startUdpEcho(t, 'one'), await freePort()];
  const gatehouse = await serve(t, [pool, ...loadBalancer('echo', [{ port, protocol: 'UDP', backends: [at(backend.port)] }])]);
  const pid = await gatehouse.proxyPid();
  const freshBytes = await residentBytes(pid);
  const clients: UdpClient[] = [];
  while (clients.length < SESSIONS) {
    const first = clients.length;
    clients.push(...await Promise.all(Array.from({ length: 50 }, (_, place) => openUdp(t, VIP, port, `127.1.1.${1 + ((first + place) % CLIENT_ADDRESSES)}`))));
  }
  // The second time every session answers its client on the path of the first: none was given up for another.
  for (const turn of ['first', 'second']) {
    for (let index = 0; index < clients.length; index += 50) {
      await Promise.all(clients.slice(index, index + 50).map(async (client, place) => {
        assert.equal(await client.ask(`${turn}/${index + place}`), `one:${turn}/${index + place}`);
      }));
    }
  }
  t.diagnostic(`${SESSIONS} sessions: ${growth(freshBytes, await residentBytes(pid), SESSIONS)}`);
  assert.equal(backend.peers.size, SESSIONS, 'each session has a socket of its own towards the backend');
  assert.equal(total(await scrape(gatehouse), 'gatehouse_l4_connections', { protocol: 'udp' }), SESSIONS, 'all at the same time');
});
