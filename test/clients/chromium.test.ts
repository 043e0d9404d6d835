import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { makeLeaf } from '../support/certificates.ts';
import { ingress, service, tlsSecret } from '../support/manifests.ts';
import { lacks } from '../support/requirement.ts';
import { serve } from '../support/serve.ts';

const HOST = 'browser.test';

/** What the page reports: the protocols the browser says it used, what came back over the WebSocket, and how many fetches. */
interface Report {
  readonly protocols: readonly string[];
  readonly echo: string;
  readonly fetched: number;
}

const PAGE = `<!doctype html><title>test</title><script type="module">
const fetched = (await Promise.all(Array.from({ length: 30 }, (_, index) => fetch('/piece/' + index).then((answer) => answer.text())))).length;
const echo = await new Promise((resolve, reject) => {
  const socket = new WebSocket('wss://' + location.host + '/socket');
  socket.onopen = () => socket.send('from the browser');
  socket.onmessage = ({ data }) => resolve(data);
  socket.onerror = () => reject(new Error('the WebSocket failed'));
}).catch(String);
const protocols = [...new Set(performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol))];
await fetch('/report', { method: 'POST', body: JSON.stringify({ protocols, echo, fetched }) });
</script>`;

interface Site {
  readonly port: number;
  readonly report: Promise<Report>;
  /** Of the upgrade requests that came. */
  readonly upgrades: readonly IncomingMessage[];
}

/** The backend: the page, thirty pieces, a WebSocket that echoes, and a place for the report. */
async function startSite(t: TestContext): Promise<Site> {
  const { promise, resolve } = Promise.withResolvers<Report>();
  const upgrades: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/report') {
      void request.toArray().then((pieces) => {
        resolve(JSON.parse(Buffer.concat(pieces as Buffer[]).toString()) as Report);
        response.end();
      });
      return;
    }
    response.setHeader('content-type', request.url === '/' ? 'text/html' : 'text/plain');
    response.end(request.url === '/' ? PAGE : 'piece');
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    upgrades.push(request);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, report: promise, upgrades };
}

/** Opens `url` in a browser without a window until the test ends. */
async function openChromium(t: TestContext, url: string, port: number): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'gatehouse-test-chromium-'));
  const flags = [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--ignore-certificate-errors', `--user-data-dir=${profile}`,
    `--host-resolver-rules=MAP ${HOST} 127.0.0.1:${port}`, '--remote-debugging-port=0',
  ];
  const browser = spawn('chromium', [...flags, url], { stdio: 'ignore', detached: true });
  const exited = once(browser, 'exit');
  t.after(async () => {
    // The browser is a group of processes of its own.
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL');
    await exited;
    await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
}

test('Chromium speaks HTTP/2, and opens its WebSocket', { skip: lacks('chromium') }, async (t) => {
  const site = await startSite(t);
  const leaf = makeLeaf(null, HOST);
  const gatehouse = await serve(t, [
    tlsSecret('browser', { certificate: leaf.chainPem, key: leaf.privateKeyPem }),
    ingress('browser', HOST, [{ path: '/', service: 'site' }], { spec: { tls: [{ hosts: [HOST], secretName: 'browser' }] } }),
    ...service('site', [{ address: '127.0.0.1', port: site.port }]),
  ]);
  await openChromium(t, `https://${HOST}/`, gatehouse.https);
  const report = await site.report;
  assert.deepEqual(report, { protocols: ['h2'], echo: 'from the browser', fetched: 30 });
  assert.equal(site.upgrades.length, 1);
});
