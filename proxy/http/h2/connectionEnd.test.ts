import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { lacks } from '../../../test/support/requirement.ts';
import { run } from './fixture/runCommand.ts';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import { frame, headers, request } from './fixture/rawFrames.ts';
import { answer, startH2Server, type H2ServerOptions } from './fixture/startH2Server.ts';
import { ERROR_CODE, FLAG, FRAME, MAX_31_BITS } from './frames.ts';

after(assertNothingOpen);

const ANSWERING: H2ServerOptions = { handle: (exchange, handler) => (handler.onBodyEnd = () => answer(exchange)) };
const POST = request({ ':method': 'POST' });

test('draining says GOAWAY, still takes what is on its way, and closes after the last stream', async (t) => {
  const server = await startH2Server(t, ANSWERING);
  const client = await server.connect();
  client.open(headers(1, POST, false));
  await server.until(() => server.handlers.length === 1);
  const [connection] = server.connections;
  connection?.drain();
  const first = await client.frame(({ type }) => type === FRAME.goAway);
  assert.equal(first.payload.readUInt32BE(0), MAX_31_BITS);
  const ping = await client.frame(({ type }) => type === FRAME.ping);
  client.send(headers(3, request()), frame(FRAME.ping, FLAG.ack, 0, ping.payload), headers(5, request()));
  assert.equal((await client.head(3))[':status'], '200');
  assert.equal(await client.resetCode(5), ERROR_CODE.refusedStream);
  client.send(frame(FRAME.data, FLAG.endStream, 1));
  assert.equal((await client.head(1))[':status'], '200');
  assert.equal(await client.goAwayCode(), ERROR_CODE.noError);
  assert.equal(client.frames.findLast(({ type }) => type === FRAME.goAway)?.payload.readUInt32BE(0), 3);
  client.socket.destroy();
  await server.until(() => server.connections.size === 0);
});

test('a client that answers no PING gets its last stream named after a second', async (t) => {
  const server = await startH2Server(t, ANSWERING);
  const client = await server.connect();
  client.open(headers(1, request()));
  await client.head(1);
  for (const connection of server.connections) connection.drain();
  server.clock.advance(1_001);
  server.deadlines.sweep();
  assert.equal(await client.goAwayCode(), ERROR_CODE.noError);
});

test('the connection ends gracefully after maxRequests', async (t) => {
  const server = await startH2Server(t, { ...ANSWERING, http2: { maxRequests: 2 } });
  const client = await server.connect();
  client.open(headers(1, request()), headers(3, request()));
  assert.equal((await client.head(3))[':status'], '200');
  await client.frame(({ type }) => type === FRAME.goAway);
  const ping = await client.frame(({ type }) => type === FRAME.ping);
  client.send(frame(FRAME.ping, FLAG.ack, 0, ping.payload));
  assert.equal(await client.goAwayCode(), ERROR_CODE.noError);
});

test('an idle connection ends after keepAliveTimeoutMs, pings or not; one with a stream does not', async (t) => {
  const server = await startH2Server(t, { limits: { keepAliveTimeoutMs: 5_000, bodyTimeoutMs: 100_000 } });
  const [idle, busy] = [await server.connect(), await server.connect()];
  idle.open(frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
  busy.open(headers(1, POST, false));
  await idle.frame(({ type }) => type === FRAME.ping);
  await server.until(() => server.handlers.length === 1);
  server.clock.advance(5_001);
  server.deadlines.sweep();
  assert.equal(await idle.goAwayCode(), ERROR_CODE.noError);
  assert.equal(busy.socket.readableEnded, false);
});

test('destroy says whether something was lost, and tells the handlers', async (t) => {
  const server = await startH2Server(t, {});
  const client = await server.connect();
  client.open(headers(1, POST, false));
  await server.until(() => server.handlers.length === 1);
  const [connection] = server.connections;
  assert.equal(connection?.destroy(), true);
  assert.deepEqual(server.handlers[0]?.said, ['abort shutdown']);
  await client.until(() => client.closed);
});

test('a connection that says nothing is closed without being logged', async (t) => {
  const server = await startH2Server(t, {});
  const client = await server.connect();
  await server.until(() => server.connections.size === 1);
  server.clock.advance(10_001);
  server.deadlines.sweep();
  assert.equal(await client.goAwayCode(), ERROR_CODE.noError);
  assert.deepEqual(server.rejections, []);
});

test('curl with prior knowledge gets its answer', { skip: lacks('curl') }, async (t) => {
  const server = await startH2Server(t, ANSWERING);
  const { stdout } = await run('curl', ['-s', '--http2-prior-knowledge', '-d', 'x'.repeat(100_000), '-w', ' %{http_version} %{http_code}', `http://127.0.0.1:${server.port}/`]);
  assert.equal(stdout, 'hello 2 200');
  assert.equal(server.handlers[0]?.body.length, 100_000);
});

test('h2load: every request on many streams is answered', { skip: lacks('h2load') }, async (t) => {
  const server = await startH2Server(t, ANSWERING);
  const { stdout } = await run('h2load', ['-n', '5000', '-c', '4', '-m', '50', `http://127.0.0.1:${server.port}/`]);
  assert.match(stdout, /5000 succeeded, 0 failed/);
});
