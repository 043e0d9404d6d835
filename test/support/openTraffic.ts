import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { openUdp } from './echo.ts';
import type { EchoClient } from './grpc.ts';
import { startLane } from './lane.ts';

/** Something that stays open while the test does something else. */
export interface Traffic {
  readonly kind: string;
  /** Turns so far: messages, requests, blocks. */
  readonly turns: () => number;
  /** Octets so far that came back. */
  readonly echoedBytes: () => number;
  /** Ends it in good order; all that went wrong, in words. */
  finish(): Promise<readonly string[]>;
}

/** Rest between two turns: the machine is shared with what is tested. */
const REST_MS = 5;

/** A bidirectional gRPC stream on which each message waits for the echo of the one before. */
export function startGrpcStream(t: TestContext, client: EchoClient): Traffic {
  const chat = client.chat();
  let echoedBytes = 0;
  const lane = startLane(t, 'gRPC stream', async (number) => {
    const text = `${number} `.repeat(1 + (number % 50));
    assert.equal(await chat.say(text), text);
    echoedBytes += text.length;
    await sleep(REST_MS);
  });
  return {
    kind: 'gRPC messages',
    turns: lane.turns,
    echoedBytes: () => echoedBytes,
    async finish() {
      const failures = await lane.stop();
      chat.end();
      return [...failures, ...(await chat.ended.then(() => [], (error: Error) => [`gRPC stream: ${error.message}`]))];
    },
  };
}

/** gRPC calls one after another on the client's connection. */
export function startGrpcCalls(t: TestContext, client: EchoClient): Traffic {
  const lane = startLane(t, 'gRPC call', async (number) => {
    assert.equal((await client.unary(Buffer.from(String(number)))).answer.toString(), String(number));
    await sleep(REST_MS);
  });
  return { kind: 'gRPC calls', turns: lane.turns, echoedBytes: () => 0, finish: () => lane.stop() };
}

/** One HTTP/2 connection over TLS with requests whose bodies come back; it must be neither closed nor told to go away. */
export async function startHttp2Requests(t: TestContext, { port, host }: { readonly port: number; readonly host: string }): Promise<Traffic> {
  const session = connectHttp2(`https://${host}:${port}`, {
    createConnection: () => connectTls({ host: '127.0.0.1', port, servername: host, ALPNProtocols: ['h2'], rejectUnauthorized: false }),
  });
  const failures: string[] = [];
  let [finishing, echoedBytes] = [false, 0];
  const fail = (reason: string) => (): void => void (finishing || failures.push(reason));
  session.on('goaway', fail('HTTP/2 connection: GOAWAY')).on('close', fail('HTTP/2 connection: closed')).on('error', fail('HTTP/2 connection: error'));
  await once(session, 'connect');
  t.after(() => session.destroy());
  const lane = startLane(t, 'HTTP/2 request', async (number) => {
    const body = `${number},`.repeat(1 + (number % 2000));
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    const response = once(stream, 'response');
    stream.end(body);
    const [headers] = (await response) as [{ readonly ':status': number }];
    assert.equal(headers[':status'], 200);
    assert.ok(Buffer.concat((await stream.toArray()) as Buffer[]).equals(Buffer.from(body)), 'not the body that was sent');
    echoedBytes += body.length;
    await sleep(REST_MS);
  });
  return {
    kind: 'HTTP/2 requests',
    turns: lane.turns,
    echoedBytes: () => echoedBytes,
    async finish() {
      const failed = await lane.stop();
      finishing = true;
      session.close();
      return [...failed, ...failures];
    },
  };
}

const BLOCK = randomBytes(64 * 1024);
/** `zero:` or `one.:`, what the backend says first. */
const GREETING_BYTES = 5;

/** A TCP connection that sends blocks of many lengths and gets them back; the checksums of both directions are compared at the end. */
export async function startTransfer(t: TestContext, address: string, port: number): Promise<Traffic> {
  const socket = connect({ host: address, port, allowHalfOpen: true });
  const failures: string[] = [];
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  let [finishing, sentBytes, receivedBytes] = [false, 0, 0];
  socket.on('data', (chunk: Buffer) => {
    received.update(chunk.subarray(Math.max(0, GREETING_BYTES - receivedBytes)));
    receivedBytes += chunk.length;
  });
  socket.on('error', (error) => failures.push(`TCP transfer: ${error.message}`));
  const ended = once(socket, 'end').catch(() => {});
  socket.on('end', () => { if (!finishing) failures.push('TCP transfer: ended by the other side'); });
  await once(socket, 'connect');
  t.after(() => socket.destroy());
  const lane = startLane(t, 'TCP transfer', async (number) => {
    assert.ok(socket.writable, 'no longer writable');
    const block = BLOCK.subarray(0, 1 + ((number * 7919) % BLOCK.length));
    sent.update(block);
    sentBytes += block.length;
    if (!socket.write(block)) await Promise.race([once(socket, 'drain'), ended]);
    await sleep(REST_MS);
  });
  return {
    kind: 'TCP blocks',
    turns: lane.turns,
    echoedBytes: () => receivedBytes,
    async finish() {
      const failed = await lane.stop();
      finishing = true;
      socket.end();
      await ended;
      const lost = sentBytes + GREETING_BYTES - receivedBytes;
      const same = sent.digest('hex') === received.digest('hex');
      return [...failed, ...failures, ...(lost === 0 && same ? [] : [`TCP transfer: ${lost} octets lost, checksums ${same ? 'the same' : 'differ'}`])];
    },
  };
}

/** A TLS connection that only the backend opens, as its certificate shows, with messages that wait for their echo. */
export async function startPassthrough(t: TestContext, options: { readonly port: number; readonly host: string; readonly authorityPem: string }): Promise<Traffic> {
  const socket = connectTls({ host: '127.0.0.1', port: options.port, servername: options.host, ca: options.authorityPem });
  await once(socket, 'secureConnect');
  t.after(() => socket.destroy());
  const closed = once(socket, 'close').then(() => Promise.reject(new Error('closed')));
  closed.catch(() => {});
  const chunks = socket.setEncoding('latin1')[Symbol.asyncIterator]() as AsyncIterator<string, undefined>;
  let echoedBytes = 0;
  const lane = startLane(t, 'TLS passthrough', async (number) => {
    const text = `${number},`.repeat(1 + (number % 500));
    socket.write(text);
    let answer = '';
    while (answer.length < text.length) answer += (await Promise.race([chunks.next(), closed])).value ?? '';
    assert.equal(answer, text);
    echoedBytes += text.length;
    await sleep(REST_MS);
  });
  return { kind: 'TLS messages', turns: lane.turns, echoedBytes: () => echoedBytes, finish: () => lane.stop() };
}

/** On loopback nothing loses a datagram but a full buffer, so one whose answer has not come by then is lost. */
const LOST_AFTER_MS = 10_000;

/** A UDP session that asks and waits. No datagram is sent twice: one that is lost ends it. */
export async function startUdpSession(t: TestContext, address: string, port: number, from: string): Promise<Traffic> {
  const client = await openUdp(t, address, port, from);
  let echoedBytes = 0;
  const lane = startLane(t, 'UDP session', async (number) => {
    const text = `${number},`.repeat(1 + (number % 100));
    const answer = await client.ask(text, AbortSignal.timeout(LOST_AFTER_MS));
    assert.equal(answer.slice(answer.indexOf(':') + 1), text);
    echoedBytes += answer.length;
    await sleep(REST_MS);
  });
  return { kind: 'UDP answers', turns: lane.turns, echoedBytes: () => echoedBytes, finish: () => lane.stop() };
}
