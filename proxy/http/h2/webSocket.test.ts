import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import type { Exchange, TunnelHandler } from '../exchange.ts';
import { Fields } from '../fields.ts';
import { data, headers, request, reset } from './fixture/rawFrames.ts';
import { startH2Server } from './fixture/startH2Server.ts';
import { FLAG, FRAME } from './frames.ts';

after(assertNothingOpen);

const CONNECT = request({ ':method': 'CONNECT', ':protocol': 'websocket' }, [['sec-websocket-version', '13'], ['sec-websocket-protocol', 'chat']]);

function acceptOf(exchange: Exchange): string {
  const key = exchange.request.fields.get('sec-websocket-key') ?? '';
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** Answers as an HTTP/1.1 backend would, and echoes; `said` is what the tunnel told. */
function echo(exchange: Exchange, accept: string, said: string[]): void {
  const fields = new Fields();
  fields.append('Sec-WebSocket-Accept', 'sec-websocket-accept', accept);
  fields.append('Sec-WebSocket-Protocol', 'sec-websocket-protocol', 'chat');
  const tunnel = exchange.acceptUpgrade({ status: 101, reason: '', fields, bodyLength: null });
  const handler: TunnelHandler = {
    onData: (chunk) => void tunnel.write(chunk),
    onEnd: () => {
      said.push('end');
      tunnel.end();
    },
    onWritable: () => {},
    onClose: () => said.push('close'),
  };
  tunnel.start(handler);
}

test('extended CONNECT becomes an upgrade a backend of HTTP/1.1 understands, and then a tunnel with two halves', async (t) => {
  const said: string[] = [];
  const server = await startH2Server(t, { handle: (exchange) => echo(exchange, acceptOf(exchange), said) });
  const client = await server.connect();
  client.open(headers(1, CONNECT, false));
  const head = await client.head(1);
  assert.deepEqual([head[':status'], head['sec-websocket-protocol'], head['sec-websocket-accept']], ['200', 'chat', undefined]);
  const { request: asked } = server.handlers[0]?.exchange ?? assert.fail();
  assert.deepEqual([asked.method, asked.upgrade, asked.bodyLength, asked.fields.get('sec-websocket-version')], ['GET', 'websocket', 0, '13']);
  assert.equal(Buffer.from(asked.fields.get('sec-websocket-key') ?? '', 'base64').length, 16);
  client.send(data(1, 'ping'));
  const echoed = await client.frame(({ type }) => type === FRAME.data);
  assert.equal(echoed.payload.toString(), 'ping');
  client.send(data(1, '', true));
  await client.frame(({ type, flags }) => type === FRAME.data && (flags & FLAG.endStream) !== 0);
  assert.deepEqual(said, ['end', 'close']);
  assert.ok(!client.frames.some(({ type }) => type === FRAME.resetStream));
});

test('RST_STREAM closes the tunnel', async (t) => {
  const said: string[] = [];
  const server = await startH2Server(t, { handle: (exchange) => echo(exchange, acceptOf(exchange), said) });
  const client = await server.connect();
  client.open(headers(1, CONNECT, false));
  await client.head(1);
  client.send(reset(1), headers(3, CONNECT, false));
  await client.head(3);
  assert.deepEqual(said, ['close']);
});

test('a backend that has not understood the handshake gets no tunnel: the client sees 502', async (t) => {
  const said: string[] = [];
  const server = await startH2Server(t, { handle: (exchange) => echo(exchange, 'wrong', said) });
  const client = await server.connect();
  client.open(headers(1, CONNECT, false));
  assert.equal((await client.head(1))[':status'], '502');
  assert.deepEqual(said, ['close']);
});

test('the request ends before the tunnel begins, and octets sent early wait for the tunnel', async (t) => {
  const said: string[] = [];
  const server = await startH2Server(t, {
    handle: (exchange, handler) => {
      handler.onBodyEnd = () => {
        said.push('request ended');
        setImmediate(() => echo(exchange, acceptOf(exchange), said));
      };
    },
  });
  const client = await server.connect();
  client.open(headers(1, CONNECT, false), data(1, 'early'), data(1, '', true));
  assert.equal((await client.frame(({ type }) => type === FRAME.data)).payload.toString(), 'early');
  await client.frame(({ type, flags }) => type === FRAME.data && (flags & FLAG.endStream) !== 0);
  assert.deepEqual(said, ['request ended', 'end', 'close']);
});
