import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { createManualClock, type ManualClock } from '../../../core/time/manualClock.ts';
import { Deadlines } from '../../limits/deadlines.ts';
import type { RequestHead } from '../exchange.ts';
import { Fields } from '../fields.ts';
import { octetsOf } from '../octetSource.ts';
import { ClientConnection } from './clientConnection.ts';
import { ClientRequest } from './clientRequest.ts';

/** A backend's socket that takes everything and says what the test pushes. */
class BackendSocket extends Duplex {
  constructor() {
    super({ allowHalfOpen: true });
  }
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, taken: () => void): void {
    taken();
  }
  setTimeout(): void {}
}

interface Opened {
  readonly socket: BackendSocket;
  readonly clock: ManualClock;
  readonly deadlines: Deadlines;
  readonly connection: ClientConnection;
  readonly request: ClientRequest;
  readonly said: string[];
}

/** A GET under way on a new connection, whose response the caller holds back at the first octet of body. */
async function open(): Promise<Opened> {
  const socket = new BackendSocket();
  const clock = createManualClock();
  const deadlines = new Deadlines(clock);
  const said: string[] = [];
  const connection = new ClientConnection(socket as unknown as Socket, octetsOf(socket as unknown as Socket), {
    clock,
    deadlines,
    limits: { requestLineBytes: 8192, fieldLineBytes: 8192, headerBytes: 32_768, headerCount: 100 },
    onIdle: () => said.push('idle'),
    onFault: (fault) => said.push(`fault ${String(fault)}`),
    onClose: () => said.push('closed'),
  });
  const head: RequestHead = {
    method: 'GET',
    scheme: 'http',
    authority: 'gw.test',
    target: '/',
    fields: new Fields(),
    bodyLength: 0,
    upgrade: null,
    expectsContinue: false,
    protocol: 'HTTP/1.1',
  };
  const timeouts = { connectMs: 1_000, readMs: 1_000, sendMs: 1_000 };
  const request = new ClientRequest(connection, { head, timeouts, startedAtMs: clock.now() }, {
    onReady: () => request.end(null),
    onInformational: () => {},
    onContinue: () => {},
    onHead: (response) => said.push(`head ${response.status}`),
    onData: (chunk) => {
      said.push(`data ${chunk.toString()}`);
      return false;
    },
    onEnd: () => said.push('end'),
    onUpgrade: () => {},
    onWritable: () => {},
    onError: (error) => said.push(`${error.code}${error.sent ? '' : ', nothing sent'}`),
  });
  connection.begin(request);
  socket.emit('connect');
  await new Promise(setImmediate);
  return { socket, clock, deadlines, connection, request, said };
}

test('the read timeout stands still while the response is held back, and runs again once it is not', async () => {
  const { socket, clock, deadlines, request, said } = await open();
  socket.push('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
  await new Promise(setImmediate);
  clock.advance(5_000);
  deadlines.sweep();
  assert.deepEqual(said, ['head 200', 'data half']);
  request.resumeResponse();
  clock.advance(999);
  deadlines.sweep();
  assert.deepEqual(said, ['head 200', 'data half']);
  clock.advance(1);
  deadlines.sweep();
  assert.equal(said[2], 'readTimeout');
});

test('the end of a response that is held back comes after it is resumed, and only then the connection is free', async () => {
  const { socket, request, said } = await open();
  socket.push('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfull');
  await new Promise(setImmediate);
  assert.deepEqual(said, ['head 200', 'data full']);
  request.resumeResponse();
  assert.deepEqual(said, ['head 200', 'data full', 'idle', 'end']);
});

test('a request that was given up says nothing more', async () => {
  const { socket, request, said } = await open();
  request.abort();
  socket.push('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfull');
  await new Promise(setImmediate);
  assert.deepEqual(said, ['closed']);
});

test('octets that arrive before a request has left are never its answer: the try is stale, and nothing was sent', async () => {
  const { socket, connection, request, said } = await open();
  socket.push('HTTP/1.1 204 No Content\r\n\r\n');
  await new Promise(setImmediate);
  assert.deepEqual(said, ['head 204', 'end', 'idle'].toSorted((a, b) => said.indexOf(a) - said.indexOf(b)));
  const { head, timeouts, handler } = request;
  const second = new ClientRequest(connection, { head, timeouts, startedAtMs: 0 }, { ...handler, onReady: () => second.end(null) });
  connection.begin(second);
  await Promise.resolve();
  socket.emit('data', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'));
  assert.deepEqual(said.slice(3), ['stale, nothing sent']);
});

test('a caller that throws loses its own try, and the fault is told', async () => {
  const { socket, connection, request, said } = await open();
  const { head, timeouts, handler } = request;
  socket.push('HTTP/1.1 204 No Content\r\n\r\n');
  await new Promise(setImmediate);
  said.length = 0;
  const onHead = (): never => {
    throw new Error('by a bug');
  };
  const second = new ClientRequest(connection, { head, timeouts, startedAtMs: 0 }, { ...handler, onHead, onReady: () => second.end(null) });
  connection.begin(second);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  socket.push('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  await new Promise(setImmediate);
  assert.deepEqual(said, ['fault Error: by a bug', 'invalidResponse', 'closed']);
});
