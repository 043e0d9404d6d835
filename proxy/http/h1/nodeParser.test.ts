import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { TEST_LIMITS, linesOf } from './fixture/eventLog.ts';
import { randomFrom } from '../../../core/testing/random.ts';
import { testSeed } from '../../../core/testing/seededRandom.ts';
import { validRequest } from './fixture/validRequest.ts';
import { RequestDecoder } from './requestDecoder.ts';

const REQUESTS = 300;

interface Read {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
}

test(`${REQUESTS} valid requests are read as the parser of node:http reads them over a socket`, async (context) => {
  const seed = testSeed();
  context.diagnostic(`GATEHOUSE_SEED=${seed}`);
  const random = randomFrom(seed);
  const requests = Array.from({ length: REQUESTS }, () => validRequest(random));
  const byNode = await readByNode(requests.map(({ raw }) => raw));
  const byUs = readByUs(requests.map(({ raw }) => raw));
  assert.equal(byNode.length, REQUESTS);
  for (const [index, { method, target, fields, body, trailers }] of requests.entries()) {
    assert.deepEqual(byUs[index], { method, target, fields, body, trailers }, `request ${index} of ${seed}`);
    assert.deepEqual(byUs[index], byNode[index], `request ${index} of ${seed}`);
  }
});

/** All requests on one connection, pipelined. */
async function readByNode(requests: readonly Buffer[]): Promise<Read[]> {
  const read: Read[] = [];
  let arrived = 0;
  let complete = 0;
  const all = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    // Pipelined requests may be collected out of order; they arrive in order.
    const index = arrived++;
    collect(request).then((collected) => {
      read[index] = collected;
      response.end();
      if ((complete += 1) === requests.length) all.resolve();
    }, all.reject);
  });
  server.on('clientError', (error, socket) => {
    socket.destroy();
    all.reject(error);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.resume();
  socket.on('error', all.reject);
  socket.write(Buffer.concat(requests));
  try {
    await all.promise;
  } finally {
    socket.destroy();
    server.close();
  }
  await once(server, 'close');
  return read;
}

async function collect(request: IncomingMessage): Promise<Read> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    fields: pairs(request.rawHeaders),
    body: Buffer.concat(chunks).toString('latin1'),
    trailers: pairs(request.rawTrailers),
  };
}

function readByUs(requests: readonly Buffer[]): Read[] {
  const decoder = new RequestDecoder(TEST_LIMITS);
  decoder.push(Buffer.concat(requests));
  const read: Read[] = [];
  let current = { method: '', target: '', fields: [] as [string, string][], body: '' };
  for (let event = decoder.next(); event !== null; event = decoder.next()) {
    if (event.type === 'head') current = { method: event.method, target: event.target, fields: linesOf(event.fields), body: '' };
    else if (event.type === 'data') current.body += event.chunk.toString('latin1');
    else if (event.type === 'end') read.push({ ...current, trailers: event.trailers === null ? [] : linesOf(event.trailers) });
    else assert.fail(event.error.detail);
  }
  return read;
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2] ?? '', flat[index * 2 + 1] ?? '']);
}
