import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { ingress, service } from '../support/manifests.ts';
import { exchangeRaw } from '../support/rawClient.ts';
import { readResponses } from '../support/rawResponse.ts';
import { backendFor, serve } from '../support/serve.ts';

test('trailers travel both ways behind chunked bodies', async (t: TestContext) => {
  const backend = await backendFor(t, 'trailers', (request, response) => void answer(request, response));
  const { http } = await serve(t, [ingress('trailers', 'gw.test', [{ path: '/', service: 'trailers' }]), ...service('trailers', [backend])]);
  const sent = 'POST / HTTP/1.1\r\nHost: gw.test\r\nTE: trailers\r\nConnection: TE\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nping\r\n0\r\nX-Sum: 7\r\n\r\n';
  const { octets } = await exchangeRaw({ port: http, from: '127.0.0.1', octets: Buffer.from(sent, 'latin1'), mode: 'whole' });
  const { responses, rest } = readResponses(octets, ['POST']);
  assert.equal(rest, '');
  assert.equal(responses[0]?.status, 200);
  assert.match(responses[0].head, /\r\nTransfer-Encoding: chunked\r\n/i);
  assert.match(responses[0].body, /\r\n0\r\nX-Answer: 7\r\n\r\n$/);
});

/** Answers with a trailer that says what the request's trailer said. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  await once(request, 'end');
  response.writeHead(200, { trailer: 'X-Answer', 'transfer-encoding': 'chunked' });
  response.write('pong');
  response.addTrailers({ 'X-Answer': request.trailers['x-sum'] ?? 'none' });
  response.end();
}
