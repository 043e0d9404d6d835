import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { promisify } from 'node:util';
import type { L4Route } from '../core/ir/l4.ts';
import type { Settings } from '../core/ir/settings.ts';
import { lookupHost, type HostPattern } from '../core/net/hostPattern.ts';
import { LISTEN_BACKLOG, openListeningSockets } from '../core/os/listeningSockets.ts';
import { systemClock } from '../core/time/clock.ts';
import { certificateFrom, makeLeaf } from '../test/support/certificates.ts';
import { lacks } from '../test/support/requirement.ts';
import { captureClientHello, keyOf, upserts } from '../test/support/tlsServer.ts';
import type { ConnectionEnds } from './accept/connectionEnds.ts';
import { answerPage } from './http/errorPage.ts';
import type { ClientConnection } from './http/exchange.ts';
import { encodeProxyHeader } from './l4/proxyProtocol.ts';
import { Deadlines } from './limits/deadlines.ts';
import { Listeners } from './listeners.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { RawPeer } from './testing/rawPeer.ts';

after(assertNothingOpen);

interface Passed {
  readonly socket: Socket;
  readonly firstBytes: Buffer;
  readonly client: ConnectionEnds;
  readonly route: L4Route;
}

interface Fixture {
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly listeners: Listeners;
  /** Clients of HTTP/1.1 requests, answered 200. */
  readonly requests: ClientConnection[];
  /** Connections that were given to HTTP/2, and what they got. */
  readonly h2: { readonly client: ClientConnection; received: Buffer }[];
  readonly passed: Passed[];
  readonly refusedHeaders: string[];
  readonly events: string[];
}

interface Options {
  readonly http2?: Partial<Settings['http2']>;
  readonly trustedCidrs?: readonly string[];
  readonly timeoutMs?: number;
  readonly limit?: number;
}

const LIMITS: Settings['limits'] = {
  requestLineBytes: 8192, fieldLineBytes: 8192, headerBytes: 32_768, headerCount: 100, headerTimeoutMs: 30_000, bodyTimeoutMs: 30_000,
  sendTimeoutMs: 30_000, keepAliveTimeoutMs: 30_000, keepAliveRequests: 100, tlsHandshakeTimeoutMs: 30_000, connectionsPerWorker: 100,
};

function settingsOf({ http2, trustedCidrs, timeoutMs, limit }: Options): Settings {
  const times = timeoutMs === undefined ? {} : { headerTimeoutMs: timeoutMs, tlsHandshakeTimeoutMs: timeoutMs };
  return {
    limits: { ...LIMITS, ...times, ...(limit === undefined ? {} : { connectionsPerWorker: limit }) },
    upstreamKeepAlive: { connections: 1, idleTimeoutMs: 1000, requests: 1, maxAgeMs: 1000 },
    forwardedHeaders: { trustedCidrs: [], appendForwardedFor: false },
    accessLog: false,
    http2: { enabled: true, cleartext: false, maxConcurrentStreams: 100, maxRequests: null, ...http2 },
    proxyProtocol: trustedCidrs === undefined ? null : { trustedCidrs },
    sessionTickets: true,
  };
}

const route = { field: 'spec.rules[0]' } as L4Route;
const passthrough = new Map([['raw.test', route], ['*.raw.test', route]] as [HostPattern, L4Route][]);
const leaf = makeLeaf(null, 'gw.test');

async function start(t: TestContext, options: Options = {}): Promise<Fixture> {
  const requests: ClientConnection[] = [];
  const h2: Fixture['h2'] = [];
  const passed: Passed[] = [];
  const refusedHeaders: string[] = [];
  const events: string[] = [];
  const settings = settingsOf(options);
  const deadlines = new Deadlines(systemClock);
  deadlines.start(10);
  let draining = false;
  const listeners = new Listeners({
    settings: () => settings,
    clock: systemClock,
    wallClock: Date.now,
    deadlines,
    maxTlsServers: 10,
    ticketSecret: Buffer.alloc(32),
    contextFor: (scheme, onClose) => ({
      clock: systemClock,
      deadlines,
      scheme,
      limits: () => settings.limits,
      draining: () => draining,
      onExchange: (exchange) => {
        requests.push(exchange.client);
        exchange.start({ requestId: 'id', onBody: () => true, onBodyEnd: () => {}, onWritable: () => {}, onAbort: () => {} });
        answerPage(exchange, 200, 'id');
      },
      onRejected: ({ error }) => events.push(`rejected ${error.status}`),
      onFault: (fault) => assert.fail(String(fault)),
      onClose,
    }),
    createH2: (socket, client, context) => {
      const connection = { client, received: Buffer.alloc(0), drain: () => socket.destroy(), destroy: () => !socket.destroy().destroyed };
      socket.on('data', (chunk: Buffer) => (connection.received = Buffer.concat([connection.received, chunk])));
      socket.on('close', () => context.onClose(connection)).on('end', () => socket.end()).on('error', () => socket.destroy());
      h2.push(connection);
      socket.write('h2 it is');
      return connection;
    },
    policyFor: () => null,
    passthroughFor: (name) => lookupHost(passthrough, name) ?? null,
    passthrough: (socket, firstBytes, client, taken) => {
      passed.push({ socket, firstBytes, client, route: taken });
      t.after(() => socket.destroy());
      socket.on('error', () => socket.destroy());
      socket.end('passed');
    },
    onCertificateRefused: ({ code }) => assert.fail(code),
    onProxyHeaderRefused: (peer, reason) => refusedHeaders.push(`${peer}: ${reason}`),
    events: {
      connectionOpened: (protocol) => events.push(`opened ${protocol}`),
      connectionClosed: (protocol) => events.push(`closed ${protocol}`),
      connectionRefused: () => events.push('refused'),
      handshakeCompleted: (version) => events.push(`completed ${version}`),
      handshakeFailed: (reason) => events.push(`failed ${reason}`),
    },
  });
  listeners.applyCertificates(upserts([[keyOf('default'), certificateFrom(leaf, 'default')]]), upserts([]));
  t.after(async () => {
    draining = true;
    const drained = listeners.drain();
    listeners.cut();
    await drained;
    deadlines.stop();
  });
  const [httpPort, httpsPort] = [await listen(listeners, 'http'), await listen(listeners, 'https')];
  return { httpPort, httpsPort, listeners, requests, h2, passed, refusedHeaders, events };
}

async function listen(listeners: Listeners, protocol: 'http' | 'https'): Promise<number> {
  const sockets = openListeningSockets({ address: '127.0.0.1', port: 0, count: 1, backlog: LISTEN_BACKLOG });
  const [descriptor = -1] = sockets.descriptors;
  await listeners.listen({ protocol, descriptor });
  return sockets.port;
}

async function tcp(t: TestContext, port: number): Promise<RawPeer> {
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return new RawPeer(socket);
}

/** Writes octet by octet, each in a segment of its own as far as the kernel lets it. */
async function dribble(peer: RawPeer, octets: Buffer): Promise<void> {
  for (const octet of octets) {
    peer.send(Buffer.of(octet));
    await new Promise(setImmediate);
  }
}

/** Speaks TLS over a connection on which something was sent before. */
async function tlsOver(t: TestContext, peer: RawPeer, options: ConnectionOptions = {}): Promise<RawPeer> {
  peer.socket.removeAllListeners('data');
  const socket = connectTls({ socket: peer.socket, servername: 'gw.test', rejectUnauthorized: false, ...options });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return new RawPeer(socket);
}

const GET = Buffer.from('GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n');
const SOURCE = { address: '203.0.113.9', port: 4711 };
const DESTINATION = { address: '192.0.2.80', port: 8080 };
const ENDS: ConnectionEnds = { remoteAddress: '203.0.113.9', remotePort: 4711, localAddress: '192.0.2.80', localPort: 8080 };
const headers: readonly [string, Buffer][] = [
  ['version 1', encodeProxyHeader(1, SOURCE, DESTINATION)],
  ['version 2', encodeProxyHeader(2, SOURCE, DESTINATION)],
];

for (const [what, header] of headers) {
  test(`a PROXY header of ${what} from a trusted peer names the client of its requests`, async (t) => {
    const { httpPort, requests } = await start(t, { trustedCidrs: ['127.0.0.0/8'] });
    const peer = await tcp(t, httpPort);
    peer.send(Buffer.concat([header, GET]));
    await peer.message();
    peer.send(GET);
    await peer.message();
    assert.deepEqual(requests, [{ ...ENDS, tls: null }, { ...ENDS, tls: null }]);
  });

  test(`a PROXY header of ${what} in single octets, the request too, is read alike`, async (t) => {
    const { httpPort, requests } = await start(t, { trustedCidrs: ['127.0.0.1'], http2: { cleartext: true } });
    const peer = await tcp(t, httpPort);
    await dribble(peer, Buffer.concat([header, GET]));
    await peer.message();
    assert.deepEqual(requests, [{ ...ENDS, tls: null }]);
  });

  test(`a PROXY header of ${what} before TLS names the client, in a segment of its own or with the ClientHello`, async (t) => {
    const { httpsPort, requests } = await start(t, { trustedCidrs: ['127.0.0.0/8'] });
    const peer = await tcp(t, httpsPort);
    peer.send(header);
    const secure = await tlsOver(t, peer);
    secure.send(GET);
    await secure.message();
    const { tls, ...ends } = requests[0] ?? assert.fail();
    assert.deepEqual(ends, ENDS);
    assert.equal(tls?.serverName, 'gw.test');
  });

  test(`a PROXY header of ${what} before a ClientHello that is passed through goes with it, split anywhere`, async (t) => {
    const { httpsPort, passed } = await start(t, { trustedCidrs: ['127.0.0.0/8'] });
    const hello = await captureClientHello(t, { servername: 'raw.test' });
    for (const at of [1, header.length - 1, header.length, header.length + 1, header.length + 100]) {
      const peer = await tcp(t, httpsPort);
      const octets = Buffer.concat([header, hello]);
      peer.send(octets.subarray(0, at));
      await new Promise(setImmediate);
      peer.send(octets.subarray(at));
      await peer.until('passed');
      const { firstBytes, client } = passed.at(-1) ?? assert.fail();
      assert.deepEqual(firstBytes, hello);
      assert.deepEqual(client, ENDS);
    }
  });

  test(`a PROXY header of ${what} from a peer that is not trusted is no request`, async (t) => {
    const { httpPort, requests, events } = await start(t, { trustedCidrs: ['192.0.2.0/24'] });
    const peer = await tcp(t, httpPort);
    peer.send(Buffer.concat([header, GET]));
    assert.match((await peer.message()).startLine, / 400 /);
    assert.deepEqual(requests, []);
    assert.ok(events.includes('rejected 400'));
  });
}

test('a LOCAL header leaves the connection its own ends', async (t) => {
  const { httpPort, requests } = await start(t, { trustedCidrs: ['127.0.0.0/8'] });
  const peer = await tcp(t, httpPort);
  peer.send(Buffer.concat([encodeProxyHeader(2, null, null), GET]));
  await peer.message();
  assert.equal(requests[0]?.remoteAddress, '127.0.0.1');
  assert.equal(requests[0]?.localPort, httpPort);
});

test('a trusted peer that begins without a PROXY header is closed unanswered, on both kinds of listener', async (t) => {
  const { httpPort, httpsPort, requests, refusedHeaders, events, listeners } = await start(t, { trustedCidrs: ['127.0.0.0/8'] });
  const hello = await captureClientHello(t, { servername: 'gw.test' });
  for (const [port, octets] of [[httpPort, GET], [httpsPort, hello]] as const) {
    const peer = await tcp(t, port);
    peer.send(octets);
    await peer.untilEnded();
    assert.equal(peer.rest, '');
  }
  assert.deepEqual(requests, []);
  assert.equal(refusedHeaders.length, 2);
  assert.deepEqual(events, ['refused', 'refused', 'failed protocol']);
  assert.equal(listeners.size, 0);
});

test('an untrusted peer without a header is served as if there were no PROXY protocol', async (t) => {
  const { httpPort, requests } = await start(t, { trustedCidrs: ['2001:db8::/32'] });
  const peer = await tcp(t, httpPort);
  peer.send(GET);
  await peer.message();
  assert.equal(requests[0]?.remoteAddress, '127.0.0.1');
});

test('a peer that owes a header and sends none, or half of one, is cut when its time is over', async (t) => {
  const { httpPort, httpsPort, events } = await start(t, { trustedCidrs: ['127.0.0.0/8'], timeoutMs: 60 });
  for (const [port, octets] of [[httpPort, ''], [httpPort, 'PROXY TCP4 '], [httpsPort, 'PROXY']] as const) {
    const peer = await tcp(t, port);
    peer.send(octets);
    await peer.untilEnded();
  }
  assert.deepEqual(events, ['failed timeout']);
});

test('curl and its PROXY header, over HTTP and HTTPS', { skip: lacks('curl') }, async (t) => {
  const { httpPort, httpsPort, requests } = await start(t, { trustedCidrs: ['127.0.0.0/8'] });
  for (const url of [`http://127.0.0.1:${httpPort}/`, `https://127.0.0.1:${httpsPort}/`]) {
    await promisify(execFile)('curl', ['-fsk', '--http1.1', '--haproxy-protocol', url]);
  }
  assert.deepEqual(requests.map(({ remoteAddress, localPort }) => [remoteAddress, localPort]), [['127.0.0.1', httpPort], ['127.0.0.1', httpsPort]]);
});

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

test('HTTP/2 in clear text begins with its preface, split anywhere, and gets every octet', async (t) => {
  const { httpPort, h2, listeners } = await start(t, { http2: { cleartext: true } });
  const octets = Buffer.concat([PREFACE, Buffer.from('frames')]);
  for (let at = 1; at <= octets.length; at += 1) {
    const peer = await tcp(t, httpPort);
    peer.send(octets.subarray(0, at));
    await new Promise(setImmediate);
    peer.send(octets.subarray(at));
    await peer.until('h2 it is');
    peer.end();
    await peer.untilClosed();
    assert.deepEqual(h2.at(-1)?.received, octets, String(at));
  }
  assert.equal(listeners.size, 0);
});

test('HTTP/1.1 beside HTTP/2 in clear text is served, split anywhere', async (t) => {
  const { httpPort, requests, h2 } = await start(t, { http2: { cleartext: true } });
  const request = Buffer.from('PROPFIND / HTTP/1.1\r\nHost: gw.test\r\n\r\n');
  for (const at of [1, 2, 3, 4, 20, request.length - 1]) {
    const peer = await tcp(t, httpPort);
    peer.send(request.subarray(0, at));
    await new Promise(setImmediate);
    peer.send(request.subarray(at));
    assert.match((await peer.message()).startLine, / 200 /);
  }
  assert.equal(requests.length, 6);
  assert.equal(h2.length, 0);
});

test('without the option a preface in clear text is a broken request', async (t) => {
  const { httpPort, h2 } = await start(t);
  const peer = await tcp(t, httpPort);
  peer.send(PREFACE);
  assert.match((await peer.message()).startLine, / (400|505) /);
  assert.equal(h2.length, 0);
});

const agreements: readonly [readonly string[] | null, boolean, string | false | RegExp][] = [
  [['h2', 'http/1.1'], true, 'h2'], [['http/1.1', 'h2'], true, 'h2'], [['h2'], true, 'h2'], [['http/1.1'], true, 'http/1.1'],
  [['http/1.0'], true, 'http/1.0'], [null, true, false], [['spdy/3'], true, /no application protocol/],
  [['h2', 'http/1.1'], false, 'http/1.1'], [['h2'], false, /no application protocol/],
];
for (const [offered, enabled, agreed] of agreements) {
  test(`with HTTP/2 ${enabled ? 'on' : 'off'} a client that offers ${offered?.join(', ') ?? 'nothing'} gets ${String(agreed)}`, async (t) => {
    const { httpsPort, h2, requests, events } = await start(t, { http2: { enabled } });
    const socket = connectTls({ port: httpsPort, host: '127.0.0.1', rejectUnauthorized: false, ...(offered === null ? {} : { ALPNProtocols: [...offered] }) });
    t.after(() => socket.destroy());
    if (agreed instanceof RegExp) return assert.rejects(once(socket, 'secureConnect'), agreed);
    await once(socket, 'secureConnect');
    assert.equal(socket.alpnProtocol, agreed);
    const peer = new RawPeer(socket);
    peer.send(agreed === 'h2' ? PREFACE : GET);
    if (agreed === 'h2') await peer.until('h2 it is');
    else await peer.message();
    assert.equal(h2.length, agreed === 'h2' ? 1 : 0);
    assert.equal(requests.length, agreed === 'h2' ? 0 : 1);
    assert.deepEqual(events, ['completed TLSv1.3', 'opened https']);
  });
}

test('server names of the passthrough table are passed through unopened: exact, one-label wildcard, any case', async (t) => {
  const { httpsPort, passed, events, listeners } = await start(t);
  for (const servername of ['raw.test', 'RAW.test', 'x.raw.test']) {
    const hello = await captureClientHello(t, { servername });
    const peer = await tcp(t, httpsPort);
    await dribble(peer, hello);
    await peer.until('passed');
    const last = passed.at(-1) ?? assert.fail();
    assert.deepEqual(last.firstBytes, hello);
    assert.equal(last.route, route);
    assert.equal(last.client.remotePort, peer.socket.localPort);
    // The client's half stays open although the other has ended.
    assert.equal(last.socket.readableEnded, false);
  }
  assert.deepEqual(events, []);
  assert.equal(listeners.size, 0);
});

test('other names, and none, are not passed through', async (t) => {
  const { httpsPort, passed, requests } = await start(t);
  for (const servername of ['y.x.raw.test', 'raw.test.example', 'gw.test', '']) {
    const socket = connectTls({ port: httpsPort, host: '127.0.0.1', servername, rejectUnauthorized: false });
    t.after(() => socket.destroy());
    await once(socket, 'secureConnect');
    const peer = new RawPeer(socket);
    peer.send(GET);
    await peer.message();
  }
  assert.equal(passed.length, 0);
  assert.equal(requests.length, 4);
});

test('connections that have not said yet what they are count against the limit, and free it when they leave', async (t) => {
  const { httpPort, httpsPort, events, requests } = await start(t, { limit: 2, http2: { cleartext: true } });
  const [waiting, half] = [await tcp(t, httpPort), await tcp(t, httpsPort)];
  waiting.send('P');
  half.send(Buffer.from('160301', 'hex'));
  const refused = await tcp(t, httpPort);
  await refused.untilEnded();
  assert.deepEqual(events, ['refused']);
  half.socket.destroy();
  waiting.send('OST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n');
  await waiting.message();
  while (requests.length < 2) {
    const again = await tcp(t, httpPort);
    again.send(GET);
    await again.message().catch(() => null);
  }
});

test('draining ends connections that are still arriving', async (t) => {
  const { httpPort, httpsPort, listeners } = await start(t, { http2: { cleartext: true } });
  const [waiting, half] = [await tcp(t, httpPort), await tcp(t, httpsPort)];
  waiting.send('PRI');
  half.send(Buffer.from('160301', 'hex'));
  const first = await tcp(t, httpPort);
  first.send(GET);
  await first.message();
  const drained = listeners.drain();
  await waiting.untilEnded();
  await half.untilEnded();
  listeners.cut();
  await drained;
});
