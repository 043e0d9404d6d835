import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { randomFrom } from '../../../core/testing/random.ts';
import { testSeed } from '../../../core/testing/seededRandom.ts';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import { block, data, frame, headers, request, reset, settings, windowUpdate } from './fixture/rawFrames.ts';
import { answer, LIMITS, startH2Server } from './fixture/startH2Server.ts';
import { CLIENT_PREFACE, FLAG, FRAME } from './frames.ts';
import { H2Input } from './h2Input.ts';

after(assertNothingOpen);

const SEED = testSeed();
const RUNS = 300;

const POST = request({ ':method': 'POST' }, [['content-length', '5'], ['cookie', 'a=b']]);
const SESSION = Buffer.concat([
  Buffer.from(CLIENT_PREFACE),
  settings([[4, 70_000]]),
  headers(1, POST, false),
  frame(FRAME.headers, 0, 3, block(request()).subarray(0, 9)),
  frame(FRAME.continuation, FLAG.endHeaders | FLAG.endStream, 3, block(request()).subarray(9)),
  data(1, 'hel'),
  windowUpdate(0, 5),
  data(1, 'lo', true),
  headers(5, request({ ':method': 'CONNECT', ':protocol': 'websocket' }), false),
  frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
  reset(5),
]);

function eventsOf(pieces: readonly Buffer[]): string[] {
  const input = new H2Input(() => LIMITS);
  const events: string[] = [];
  for (const piece of pieces) {
    input.push(piece);
    for (let event = input.next(); event !== null; event = input.next()) events.push(JSON.stringify(event));
  }
  return events;
}

test('the events do not depend on where the octets are split', () => {
  const whole = eventsOf([SESSION]);
  assert.equal(whole.length, 9);
  for (let at = 1; at < SESSION.length; at += 1) assert.deepEqual(eventsOf([SESSION.subarray(0, at), SESSION.subarray(at)]), whole);
  assert.deepEqual(eventsOf(Array.from(SESSION, (octet) => Buffer.from([octet]))), whole);
});

test('a session cut anywhere gives no event that the whole one does not', () => {
  const whole = eventsOf([SESSION]);
  for (let end = 0; end < SESSION.length; end += 1) {
    const events = eventsOf([SESSION.subarray(0, end)]);
    assert.deepEqual(events, whole.slice(0, events.length));
  }
});

test(`mutated sessions (GATEHOUSE_SEED=${SEED}) cause no fault, and leave nothing behind`, async (t) => {
  const { integer: draw } = randomFrom(SEED);
  const server = await startH2Server(t, { handle: (exchange, handler) => (handler.onBodyEnd = () => answer(exchange)) });
  for (let run = 0; run < RUNS; run += 1) {
    const octets = Buffer.from(SESSION);
    for (let count = 1 + draw(4); count > 0; count -= 1) octets[24 + draw(octets.length - 24)] = draw(256);
    const client = await server.connect();
    client.send(octets);
    client.socket.end();
    await client.until(() => client.closed);
  }
  await server.until(() => server.connections.size === 0);
  assert.deepEqual(server.faults, []);
  const client = await server.connect();
  client.open(headers(1, request()));
  assert.equal((await client.head(1))[':status'], '200');
});
