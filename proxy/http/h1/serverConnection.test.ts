import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { createManualClock, type ManualClock } from '../../../core/time/manualClock.ts';
import { Deadlines } from '../../limits/deadlines.ts';
import type { Exchange } from '../exchange.ts';
import { Fields } from '../fields.ts';
import { ServerConnection } from './serverConnection.ts';

const LIMITS = {
  requestLineBytes: 8192,
  fieldLineBytes: 8192,
  headerBytes: 32_768,
  headerCount: 100,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  sendTimeoutMs: 60_000,
  keepAliveTimeoutMs: 10_000,
  keepAliveRequests: 1_000,
  tlsHandshakeTimeoutMs: 10_000,
  connectionsPerWorker: 10,
};

/** A socket whose kernel takes nothing until it is told to: what no real one can be made to do octet by octet. */
class HeldSocket extends Duplex {
  wasReset = false;
  timeoutMs = 0;
  written = '';
  readonly #held: (() => void)[] = [];

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.written += chunk.toString('latin1');
    this.#held.push(taken);
  }
  override _writev(_chunks: unknown, taken: () => void): void {
    this.#held.push(taken);
  }
  setTimeout(ms: number): void {
    this.timeoutMs = ms;
  }
  resetAndDestroy(): void {
    this.wasReset = true;
    this.destroy();
  }
  /** The kernel takes all that waits. */
  async release(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) {
      for (const taken of this.#held.splice(0)) taken();
      await new Promise(setImmediate);
    }
  }
}

interface Opened {
  readonly socket: HeldSocket;
  readonly clock: ManualClock;
  readonly deadlines: Deadlines;
  readonly exchanges: Exchange[];
  readonly faults: string[];
}

const HANDLER = { requestId: 'a', onBody: () => true, onBodyEnd: () => {}, onWritable: () => {}, onAbort: () => {} };

function answer(exchange: Exchange): void {
  exchange.start(HANDLER);
  exchange.sendHead({ status: 200, reason: '', fields: new Fields(), bodyLength: null });
  exchange.write(Buffer.from('body'));
  exchange.end(null);
}

/** A connection on a held socket; each request is answered at once, of unknown length. */
function open(handle: (exchange: Exchange) => void = answer): Opened {
  const socket = new HeldSocket();
  const clock = createManualClock();
  const deadlines = new Deadlines(clock);
  const exchanges: Exchange[] = [];
  const faults: string[] = [];
  const client = { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '192.0.2.2', localPort: 80, tls: null };
  const connection = new ServerConnection(socket as unknown as Socket, client, {
    clock,
    deadlines,
    scheme: 'http',
    limits: () => LIMITS,
    draining: () => false,
    onExchange: (exchange) => {
      exchanges.push(exchange);
      handle(exchange);
    },
    onRejected: () => {},
    onFault: (fault) => faults.push(String(fault)),
    onClose: () => {},
  });
  assert.ok(connection.idle);
  return { socket, clock, deadlines, exchanges, faults };
}

test('the linger time counts from the last octet sent, not from the last one made', async () => {
  const { socket, clock, deadlines } = open();
  socket.push('GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n');
  await new Promise(setImmediate);
  clock.advance(20_000);
  deadlines.sweep();
  assert.equal(socket.destroyed, false, 'the client has not taken the response yet');
  assert.equal(socket.timeoutMs, LIMITS.sendTimeoutMs);
  await socket.release();
  assert.ok(socket.writableFinished);
  clock.advance(4_900);
  socket.push('octets that come late');
  await new Promise(setImmediate);
  deadlines.sweep();
  clock.advance(4_900);
  deadlines.sweep();
  assert.equal(socket.destroyed, false);
  clock.advance(200);
  deadlines.sweep();
  assert.equal(socket.destroyed, true);
});

test('a client that never stops sending is not read for ever', async () => {
  const { socket, clock, deadlines } = open();
  socket.push('GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n');
  await new Promise(setImmediate);
  await socket.release();
  for (let second = 0; second < 29; second += 1) {
    clock.advance(1_000);
    socket.push('more');
    await new Promise(setImmediate);
    deadlines.sweep();
    assert.equal(socket.destroyed, false);
  }
  clock.advance(1_000);
  deadlines.sweep();
  assert.equal(socket.destroyed, true);
});

test('a finished response that only the close ends is reset when the client does not take its last octets', async () => {
  const { socket } = open();
  socket.push('GET / HTTP/1.0\r\nHost: gw.test\r\n\r\n');
  await new Promise(setImmediate);
  socket.emit('timeout');
  assert.ok(socket.destroyed && socket.wasReset);
  const framed = open();
  framed.socket.push('GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n');
  await new Promise(setImmediate);
  framed.socket.emit('timeout');
  assert.ok(framed.socket.destroyed && !framed.socket.wasReset);
});

test('a handler that throws costs its own connection, is answered 500, and the fault is told', async () => {
  const onBody = (): never => {
    throw new Error('by a bug');
  };
  const { socket, faults } = open((exchange) => {
    exchange.start({ ...HANDLER, onBody });
    exchange.resumeBody();
  });
  socket.push('POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1\r\n\r\na');
  await new Promise(setImmediate);
  assert.deepEqual(faults, ['Error: by a bug']);
  assert.match(socket.written, /^HTTP\/1\.1 500 /);
  await socket.release();
});
