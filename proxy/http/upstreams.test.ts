import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { assertNothingOpen } from '../testing/nothingOpen.ts';
import { answering, response, startRawBackend } from '../testing/rawBackend.ts';
import type { RawMessage } from '../testing/rawPeer.ts';
import { AskedRequest, CLEARTEXT_HTTP2, headOf, targetOf, upstreamOptions } from './testing/askUpstream.ts';
import { createUpstreams } from './upstreams.ts';

after(assertNothingOpen);

test('each request goes by the protocol of its transport, and idle connections of all count together', async () => {
  const http1 = await startRawBackend(answering(() => response('one')));
  const http2 = createServer((_request, answer) => answer.end('two'));
  http2.listen(0, '127.0.0.1');
  await once(http2, 'listening');
  const upstreams = createUpstreams({ ...upstreamOptions(), certificate: () => undefined });
  const targets = [targetOf(http1.port, null), targetOf((http2.address() as AddressInfo).port, CLEARTEXT_HTTP2)];
  const bodies = await Promise.all(
    targets.map(async (target) => {
      const asked = new AskedRequest(upstreams, target, headOf());
      assert.equal(await asked.over(), 200);
      return asked.body;
    }),
  );
  assert.deepEqual(bodies, ['one', 'two']);
  for (const { key, endpoint } of targets) {
    while (upstreams.idleConnections(key) !== 1) await new Promise(setImmediate);
    upstreams.retire(endpoint);
    while (upstreams.idleConnections(key) !== 0) await new Promise(setImmediate);
  }
  upstreams.close();
  http2.close();
  await Promise.all([once(http2, 'close'), http1.close()]);
});

test('an HTTP/1.1 backend that answers 200 instead of switching opens no tunnel of HTTP/2', async (t) => {
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering(() => response('no WebSocket here'), seen));
  t.after(() => backend.close());
  const upstreams = createUpstreams({ ...upstreamOptions(), certificate: () => undefined });
  t.after(() => upstreams.close());
  const asked = new AskedRequest(upstreams, targetOf(backend.port, null), headOf({ upgrade: 'websocket', protocol: 'HTTP/2.0' }));
  const error = await asked.over();
  assert.deepEqual(error, { code: 'invalidResponse', detail: 'the backend did not switch protocols', sent: true });
  assert.deepEqual([seen[0]?.startLine, seen[0]?.get('upgrade')], ['GET / HTTP/1.1', 'websocket']);
});
