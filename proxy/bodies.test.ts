import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import type { RawMessage } from './testing/rawPeer.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

test('a chunked request is framed anew: sizes and extensions end here, body and trailers arrive', async (t) => {
  const seen: RawMessage[] = [];
  const backend = await startRawBackend(answering(() => response('ok'), seen));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(
    'POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n' +
      '0003;name=value\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n',
  );
  assert.equal((await client.message()).body, 'ok');
  const [request] = seen;
  assert.equal(request?.body, 'abcde');
  assert.equal(request.get('transfer-encoding'), 'chunked');
  assert.ok(!request.raw.includes('name=value') && !request.raw.includes('0003'));
  assert.ok(request.raw.endsWith('0\r\nX-Sum: 7\r\n\r\n'), request.raw);
  client.end();
});

test('a chunked response is framed anew, with its trailers', async (t) => {
  const backend = await startRawBackend(
    answering(() => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n005;q="x"\r\nhello\r\n0;z\r\nX-Sum: 7\r\n\r\n'),
  );
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send('GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n');
  const answer = await client.message();
  assert.equal(answer.body, 'hello');
  assert.ok(answer.raw.endsWith('\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n'), answer.raw);
  client.end();
});

test('a response of unknown length ends by the close for an HTTP/1.0 client, and by a last chunk for others', async (t) => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
  const untilClose = 'HTTP/1.1 200 OK\r\n\r\nhello';
  for (const answer of [chunked, untilClose]) {
    const backend = await startRawBackend(async (peer) => {
      await peer.message();
      peer.end(answer);
    });
    t.after(() => backend.close());
    const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
    const old = await gateway.connect();
    old.send('GET / HTTP/1.0\r\nHost: gw.test\r\n\r\n');
    const oldAnswer = await old.message();
    assert.deepEqual(
      [oldAnswer.body, oldAnswer.get('transfer-encoding'), oldAnswer.get('connection')],
      ['hello', undefined, 'close'],
    );
    old.end();
    const client = await gateway.connect();
    client.send('GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n');
    const newAnswer = await client.message();
    assert.deepEqual([newAnswer.body, newAnswer.get('transfer-encoding')], ['hello', 'chunked']);
    assert.equal(client.ended, false);
    client.end();
  }
});

test('a response cut short by the backend cannot be taken for a whole one', async (t) => {
  const heads = ['Content-Length: 10\r\n', 'Transfer-Encoding: chunked\r\n'];
  for (const [index, head] of heads.entries()) {
    for (const version of ['1.0', '1.1']) {
      const backend = await startRawBackend(async (peer) => {
        await peer.message();
        peer.send(`HTTP/1.1 200 OK\r\n${head}\r\n${index === 1 ? '5\r\nhello\r\n' : 'hello'}`);
      });
      t.after(() => backend.close());
      const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
      const client = await gateway.connect();
      client.send(`GET / HTTP/${version}\r\nHost: gw.test\r\n\r\n`);
      await client.until('hello');
      backend.connections[0]?.socket.destroy();
      await client.untilEnded();
      const isUnframed = index === 1 && version === '1.0';
      if (isUnframed) assert.ok(client.wasReset, 'only a reset tells this client that something is missing');
      else assert.ok(!client.received.endsWith('0\r\n\r\n'));
      const [line] = await gateway.logged(1);
      assert.deepEqual([line?.status, line?.upstream[0]?.['error']], [200, 'reset']);
    }
  }
});

test('HEAD keeps Content-Length and gets no body, 204 and 304 have none', async (t) => {
  const answers: Record<string, string> = {
    '/head': 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
    '/chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    '/204': 'HTTP/1.1 204 No Content\r\n\r\n',
    '/304': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: "a"\r\n\r\n',
  };
  const backend = await startRawBackend(answering((request) => answers[request.startLine.split(' ')[1] ?? ''] ?? response('GET')));
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send(
    'HEAD /head HTTP/1.1\r\nHost: gw.test\r\n\r\nHEAD /chunked HTTP/1.1\r\nHost: gw.test\r\n\r\n' +
      'GET /204 HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /304 HTTP/1.1\r\nHost: gw.test\r\n\r\nGET / HTTP/1.1\r\nHost: gw.test\r\n\r\n',
  );
  assert.equal((await client.message(true)).get('content-length'), '1234');
  assert.equal((await client.message(true)).get('content-length'), undefined);
  const empty = await client.message();
  assert.deepEqual([empty.startLine, empty.get('content-length')], ['HTTP/1.1 204 No Content', undefined]);
  const unchanged = await client.message();
  assert.deepEqual([unchanged.get('content-length'), unchanged.get('etag')], ['77', '"a"']);
  assert.equal((await client.message()).body, 'GET');
  assert.equal(backend.connections.length, 1);
  client.end();
});

test('informational responses reach HTTP/1.1 clients and are dropped for HTTP/1.0', async (t) => {
  const backend = await startRawBackend(
    answering(() => `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${response('ok')}`),
  );
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send('GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n');
  const hint = await client.message();
  assert.deepEqual([hint.startLine, hint.get('link')], ['HTTP/1.1 103 Early Hints', '</a.css>; rel=preload']);
  assert.equal((await client.message()).body, 'ok');
  client.end();
  const old = await gateway.connect();
  old.send('GET / HTTP/1.0\r\nHost: gw.test\r\n\r\n');
  assert.match((await old.message()).startLine, / 200 /);
  old.end();
});

test('an early final response does not return its connection to the pool', async (t) => {
  const backend = await startRawBackend(async (peer) => {
    await peer.until('\r\n\r\n');
    peer.send(response('early', '403 Forbidden'));
  });
  t.after(() => backend.close());
  const gateway = await startEngine(t, { clusters: { web: [backend.port] } });
  const client = await gateway.connect();
  client.send('POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 20\r\n\r\n0123456789');
  await client.message();
  await (await backend.connection(0)).untilEnded();
  client.send('0123456789GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n');
  await client.message();
  assert.equal(backend.connections.length, 2);
  client.end();
});
