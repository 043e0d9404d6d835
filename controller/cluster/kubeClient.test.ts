import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { KubeError, type KubeApi, type WatchEvent } from './kubeApi.ts';
import { createKubeApi, type KubeClientOptions } from './kubeClient.ts';
import type { KubeConnection } from './kubeConnection.ts';
import { answerJson, startScriptedServer, tokenConnection, type Script, type ScriptedServer } from './testing/scriptedServer.ts';

function client(t: TestContext, connection: KubeConnection, options: Partial<KubeClientOptions> = {}): KubeApi {
  const api = createKubeApi(connection, { version: '1.2.3', ...options });
  t.after(() => api.close());
  return api;
}

async function served(t: TestContext, script: Script, options: Partial<KubeClientOptions> = {}): Promise<{ readonly api: KubeApi; readonly server: ScriptedServer }> {
  const server = await startScriptedServer(t, script);
  return { api: client(t, tokenConnection(server.url), options), server };
}

function isError(code: string, message: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof KubeError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /Bearer|token-/);
    return true;
  };
}

async function collect(events: AsyncIterable<WatchEvent>): Promise<WatchEvent[]> {
  const seen: WatchEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const GET = { method: 'GET', path: '/api/v1/services' } as const;

test('a request says who asks and what it takes, and returns the parsed answer', async (t) => {
  let headers: unknown;
  const { api, server } = await served(t, (request, response) => {
    headers = request.headers;
    answerJson(response, 200, { items: [] });
  });
  assert.deepEqual(await api.request({ ...GET, query: { limit: '500', continue: 'a b&c' } }), { items: [] });
  assert.deepEqual(server.requests, ['GET /api/v1/services?limit=500&continue=a+b%26c']);
  const { authorization, accept, 'user-agent': agent, 'accept-encoding': encoding } = headers as Record<string, string>;
  assert.deepEqual([authorization, accept, agent, encoding], ['Bearer token', 'application/json', 'gatehouse/1.2.3', 'gzip']);
});

test('the path of the server stands before that of the request', async (t) => {
  const server = await startScriptedServer(t, (_request, response) => answerJson(response, 200, {}));
  await client(t, tokenConnection(new URL('/k8s/clusters/one/', server.url))).request(GET);
  assert.deepEqual(server.requests, ['GET /k8s/clusters/one/api/v1/services']);
});

test('a body is sent as JSON, of a patch with the type of the patch', async (t) => {
  const seen: unknown[] = [];
  const { api } = await served(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray() as Buffer[]).toString();
    seen.push([request.method, request.headers['content-type'], body]);
    answerJson(response, 200, {});
  });
  await api.request({ method: 'POST', path: '/a', body: { a: 'ä' } });
  await api.request({ method: 'PATCH', path: '/a', body: { a: null }, patch: 'merge' });
  await api.request({ method: 'PATCH', path: '/a', body: [], patch: 'json' });
  assert.deepEqual(seen, [
    ['POST', 'application/json', '{"a":"ä"}'],
    ['PATCH', 'application/merge-patch+json', '{"a":null}'],
    ['PATCH', 'application/json-patch+json', '[]'],
  ]);
});

test('a connection carries one request after the other, also after a refusal', async (t) => {
  const { api, server } = await served(t, (_request, response, call) => answerJson(response, call === 1 ? 409 : 200, {}));
  await api.request(GET);
  await assert.rejects(api.request(GET), isError('conflict'));
  await api.request(GET);
  assert.equal(server.connections(), 1);
});

test('a kept connection that the server has closed costs a read nothing', async (t) => {
  const { api, server } = await served(t, (request, response, call) => {
    if (call === 1) request.socket.destroy();
    else answerJson(response, 200, { call });
  });
  await api.request(GET);
  assert.deepEqual(await api.request(GET), { call: 2 });
  assert.equal(server.connections(), 2);
});

test('a write on a kept connection that breaks is not repeated', async (t) => {
  const { api, server } = await served(t, (request, response, call) => {
    if (call === 1) request.socket.destroy();
    else answerJson(response, 200, {});
  });
  await api.request(GET);
  await assert.rejects(api.request({ method: 'POST', path: '/a', body: {} }), isError('unreachable'));
  assert.equal(server.requests.length, 2);
});

test('a packed answer is unpacked', async (t) => {
  const { api } = await served(t, (_request, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' });
    response.end(gzipSync('{"a":1}'));
  });
  assert.deepEqual(await api.request(GET), { a: 1 });
});

test('an answer is refused beyond the limit, packed or not', async (t) => {
  const large = JSON.stringify('x'.repeat(2_000_000));
  const { api } = await served(t, (_request, response, call) => {
    response.writeHead(200, call === 0 ? {} : { 'Content-Encoding': 'gzip' });
    response.end(call === 0 ? large : gzipSync(large));
  }, { maxAnswerBytes: 1_000_000 });
  await assert.rejects(api.request(GET), isError('server', /larger than 1000000 bytes/));
  await assert.rejects(api.request(GET), isError('server', /larger than 1000000 bytes/));
});

test('an answer that breaks off is unreachable, packed or not', async (t) => {
  const { api } = await served(t, (_request, response, call) => {
    const body = call === 0 ? Buffer.from('{"a":1}') : gzipSync('{"a":1}');
    response.writeHead(200, { 'Content-Length': body.length, ...(call === 0 ? {} : { 'Content-Encoding': 'gzip' }) });
    response.write(body.subarray(0, -2), () => response.destroy());
  });
  await assert.rejects(api.request(GET), isError('unreachable'));
  await assert.rejects(api.request(GET), isError('unreachable'));
});

test('an answer that is no JSON, no UTF-8, or packed in an unknown way is a fault of the server and is not quoted', async (t) => {
  const { api } = await served(t, (_request, response, call) => {
    if (call === 2) response.writeHead(200, { 'Content-Encoding': 'br' });
    response.end(call === 1 ? Buffer.of(0x22, 0xff, 0x22) : 'token-secret');
  });
  for (let call = 0; call < 3; call += 1) await assert.rejects(api.request(GET), isError('server'));
});

test('a refusal has the code, message and Retry-After of the answer', async (t) => {
  const status = { kind: 'Status', reason: 'TooManyRequests', message: 'slow down' };
  const { api } = await served(t, (_request, response) => answerJson(response, 429, status, { 'Retry-After': '2' }));
  await assert.rejects(api.request(GET), (error: unknown) => {
    assert.ok(error instanceof KubeError);
    assert.deepEqual([error.code, error.status, error.retryAfterMs], ['tooManyRequests', 429, 2_000]);
    return /slow down/.test(error.message);
  });
});

test('nobody listening is unreachable', async (t) => {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  await assert.rejects(client(t, tokenConnection(new URL(`http://127.0.0.1:${port}`))).request(GET), isError('unreachable', /ECONNREFUSED/));
});

test('no answer in time is a timeout, and the connection is given up', async (t) => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const { api } = await served(t, (request) => request.socket.on('close', resolve));
  await assert.rejects(api.request({ ...GET, timeoutMs: 50 }), isError('timeout', /within 50 ms/));
  await closed;
});

test('a body that trickles does not outlive the time of the request', async (t) => {
  const { api } = await served(t, (_request, response) => {
    response.writeHead(200);
    response.write('{');
  });
  await assert.rejects(api.request({ ...GET, timeoutMs: 50 }), isError('timeout'));
});

test('an aborted request rejects with the reason of its signal', async (t) => {
  const reason = new Error('enough');
  const abort = new AbortController();
  const { api } = await served(t, () => abort.abort(reason));
  await assert.rejects(api.request({ ...GET, signal: abort.signal }), (error) => error === reason);
  await assert.rejects(api.request({ ...GET, signal: abort.signal }), (error) => error === reason);
});

test('credentials that cannot be had, or hang, end the request', async (t) => {
  const server = await startScriptedServer(t, () => {});
  const broken = { ...tokenConnection(server.url), settings: () => Promise.reject(new Error('no plugin\nsecret')) };
  await assert.rejects(client(t, broken).request(GET), isError('unauthorized', /^credentials.*no plugin$/));
  const hanging = { ...tokenConnection(server.url), settings: () => new Promise<never>(() => {}) };
  await assert.rejects(client(t, hanging).request({ ...GET, timeoutMs: 20 }), isError('timeout'));
  assert.deepEqual(server.requests, []);
});

test('a token with a line break is not sent and not shown', async (t) => {
  const { url } = await startScriptedServer(t, () => {});
  await assert.rejects(client(t, tokenConnection(url, 'token-\nx')).request(GET), isError('unreachable', /Authorization/));
});

test('401 has the credentials read anew, but not time and again', async (t) => {
  let renewed = 0;
  const server = await startScriptedServer(t, (_request, response) => answerJson(response, 401, {}));
  const renew = (): Promise<void> => {
    renewed += 1;
    return Promise.resolve();
  };
  const api = client(t, { ...tokenConnection(server.url), renew });
  await assert.rejects(api.request(GET), isError('unauthorized'));
  await assert.rejects(api.request(GET), isError('unauthorized'));
  assert.equal(renewed, 1);
});

test('what our own list does not permit is not sent', async (t) => {
  const { api, server } = await served(t, () => {}, { permit: ({ verb, resource }) => verb === 'list' && resource === 'nodes' });
  await assert.rejects(api.request(GET), isError('forbidden', /list services/));
  await assert.rejects(collect(api.watch(GET)), isError('forbidden'));
  assert.deepEqual(server.requests, []);
});

test('events of a watch come as they are sent, until the server ends it', async (t) => {
  const { promise: first, resolve } = Promise.withResolvers<void>();
  const { api } = await served(t, async (_request, response) => {
    response.writeHead(200);
    response.write('{"type":"ADDED","object":1}\n{"type":"MOD');
    await first;
    response.end('IFIED","object":2}\n');
  });
  const seen: WatchEvent[] = [];
  let opened = 0;
  for await (const event of api.watch({ ...GET, onOpen: () => (opened += 1) })) {
    seen.push(event);
    resolve();
  }
  assert.deepEqual(seen, [{ type: 'ADDED', object: 1 }, { type: 'MODIFIED', object: 2 }]);
  assert.equal(opened, 1);
});

test('a refused watch throws, and was not open', async (t) => {
  const { api } = await served(t, (_request, response) => answerJson(response, 410, { reason: 'Expired' }));
  await assert.rejects(collect(api.watch({ ...GET, onOpen: () => assert.fail() })), isError('gone', /410 Expired/));
});

test('a watch that breaks off throws after the events that were whole', async (t) => {
  const { api } = await served(t, (_request, response) => {
    response.writeHead(200);
    response.write('{"type":"ADDED","object":1}\n{"type', () => response.destroy());
  });
  const seen: WatchEvent[] = [];
  await assert.rejects(async () => {
    for await (const event of api.watch(GET)) seen.push(event);
  }, isError('unreachable'));
  assert.equal(seen.length, 1);
});

test('a watch whose event is too large throws', async (t) => {
  const { api } = await served(t, (_request, response) => response.write('x'.repeat(1_001)), { maxWatchLineBytes: 1_000 });
  await assert.rejects(collect(api.watch(GET)), isError('server', /larger/));
});

test('a watch that is not answered in time throws, one that is answered may be silent for longer', async (t) => {
  const { promise: late, resolve } = Promise.withResolvers<ServerWrite>();
  const { api } = await served(t, (_request, response, call) => {
    if (call === 0) return;
    response.writeHead(200);
    response.flushHeaders();
    resolve((text) => void response.end(text));
  });
  await assert.rejects(collect(api.watch({ ...GET, timeoutMs: 30 })), isError('timeout'));
  const events = collect(api.watch({ ...GET, timeoutMs: 30, onOpen: () => setTimeout(() => void late.then((end) => end('{"type":"A","object":1}\n')), 90) }));
  assert.deepEqual(await events, [{ type: 'A', object: 1 }]);
});

type ServerWrite = (text: string) => void;

test('a watch that is silent for longer than the server was asked to keep it is cut', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { api } = await served(t, (_request, response) => {
    response.writeHead(200);
    response.flushHeaders();
  });
  const { promise: open, resolve } = Promise.withResolvers<void>();
  const events = assert.rejects(collect(api.watch({ ...GET, query: { watch: '1', timeoutSeconds: '300' }, onOpen: resolve })), isError('timeout', /silent for 315000 ms/));
  await open;
  await new Promise(setImmediate);
  t.mock.timers.tick(315_000);
  await events;
});

test('leaving a watch closes its connection', async (t) => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const { api } = await served(t, (request, response) => {
    request.socket.on('close', resolve);
    response.write('{"type":"A","object":1}\n');
  });
  for await (const event of api.watch(GET)) if (event.type === 'A') break;
  await closed;
});

test('an aborted watch throws the reason of its signal', async (t) => {
  const abort = new AbortController();
  const { api } = await served(t, (_request, response) => response.write('{"type":"A","object":1}\n'));
  await assert.rejects(async () => {
    for await (const event of api.watch({ ...GET, signal: abort.signal })) if (event.type === 'A') abort.abort(new Error('enough'));
  }, /enough/);
});

test('closing the client ends what is under way and what comes later', async (t) => {
  const { api } = await served(t, (_request, response, call) => {
    if (call === 1) response.flushHeaders();
  });
  const pending = assert.rejects(api.request(GET), isError('unreachable', /closed/));
  const watch = assert.rejects(collect(api.watch({ ...GET, onOpen: () => api.close() })), isError('unreachable', /closed/));
  await Promise.all([pending, watch]);
  await assert.rejects(api.request(GET), isError('unreachable', /closed/));
});

test('a server that accepts and says nothing, then resets, is unreachable', async (t) => {
  const sockets: Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.once('data', () => socket.resetAndDestroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  await assert.rejects(client(t, tokenConnection(new URL(`http://127.0.0.1:${port}`))).request(GET), isError('unreachable'));
  assert.equal(sockets.length, 1);
});
