import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { after, test, type TestContext } from 'node:test';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import type { ResponseHead } from '../exchange.ts';
import { Fields } from '../fields.ts';
import { answer, startH2Server, type H2ServerOptions, type RunningH2Server } from './fixture/startH2Server.ts';

after(assertNothingOpen);

function fieldsOf(pairs: Readonly<Record<string, string>>): Fields {
  const fields = new Fields();
  for (const [name, value] of Object.entries(pairs)) fields.append(name, name.toLowerCase(), value);
  return fields;
}

function headOf(status: number, bodyLength: number | null, pairs: Readonly<Record<string, string>> = {}): ResponseHead {
  return { status, reason: '', fields: fieldsOf(pairs), bodyLength };
}

async function open(t: TestContext, options: H2ServerOptions): Promise<{ server: RunningH2Server; session: ClientHttp2Session }> {
  const server = await startH2Server(t, options);
  const session = connect(`http://127.0.0.1:${server.port}`);
  session.on('error', () => {});
  t.after(() => session.destroy());
  return { server, session };
}

async function textOf(stream: ClientHttp2Stream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += (chunk as Buffer).toString('latin1');
  return text;
}

/** Code the stream was closed with. */
async function endOf(stream: ClientHttp2Stream): Promise<number | undefined> {
  stream.on('error', () => {});
  stream.resume();
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
  return stream.rstCode;
}

test('a request becomes an exchange with the head it had, and its response comes whole', async (t) => {
  const { server, session } = await open(t, { handle: (exchange) => answer(exchange, 'hello', { 'X-Answer': 'yes', 'Set-Cookie': 'a=b' }) });
  const stream = session.request({ ':path': '/a?b=c', ':authority': 'gw.test', cookie: ['a=b', 'c=d'], 'x-custom': 'é' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.equal(await textOf(stream), 'hello');
  assert.deepEqual([headers[':status'], headers['x-answer'], headers['content-length']], [200, 'yes', '5']);
  const { request } = server.handlers[0]?.exchange ?? assert.fail();
  assert.deepEqual(
    [request.method, request.scheme, request.authority, request.target, request.bodyLength, request.upgrade, request.protocol],
    ['GET', 'http', 'gw.test', '/a?b=c', 0, null, 'HTTP/2.0'],
  );
  assert.deepEqual([request.fields.get('cookie'), request.fields.get('host'), request.fields.get('x-custom')], ['a=b; c=d', 'gw.test', 'é']);
  assert.deepEqual(server.faults, []);
});

test('body and trailers go both ways at once: the response begins before the request has ended', async (t) => {
  const { server, session } = await open(t, {
    handle: (exchange, handler) => {
      exchange.sendHead(headOf(200, null, { 'content-type': 'application/grpc' }));
      handler.onBody = (chunk) => exchange.write(chunk);
      handler.onBodyEnd = (trailers) => {
        handler.trailers = trailers;
        exchange.end(fieldsOf({ 'grpc-status': '0', 'content-length': '9', connection: 'x' }));
      };
    },
  });
  const stream = session.request({ ':method': 'POST', te: 'trailers', 'grpc-timeout': '1S' }, { endStream: false, waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc', cookie: 'no' }));
  await once(stream, 'response');
  for (const word of ['one', 'two', 'three']) {
    stream.write(word);
    const [echoed] = (await once(stream, 'data')) as [Buffer];
    assert.equal(echoed.toString(), word);
  }
  stream.end();
  const [trailers] = (await once(stream, 'trailers')) as [Record<string, unknown>];
  assert.deepEqual(Object.entries(trailers), [['grpc-status', '0']]);
  await once(stream, 'close');
  const [handler] = server.handlers;
  assert.equal(handler?.trailers?.get('x-sum'), 'abc');
  assert.equal(handler?.trailers?.get('cookie'), undefined);
  assert.equal(handler?.exchange.request.acceptsTrailers, true);
  assert.equal(handler?.exchange.request.fields.get('te'), undefined);
  assert.equal(handler?.exchange.request.fields.get('grpc-timeout'), '1S');
  assert.equal(stream.rstCode, 0);
});

for (const [status, method, length] of [[204, 'GET', null], [304, 'GET', 77], [200, 'HEAD', 77], [200, 'GET', 0]] as const) {
  test(`${method} answered ${status} has no body, and the length is said where one may be`, async (t) => {
    const { session } = await open(t, {
      handle: (exchange) => {
        exchange.sendHead(headOf(status, length));
        if (method === 'HEAD') exchange.write(Buffer.from('not for HEAD'));
        exchange.end(null);
      },
    });
    const stream = session.request({ ':method': method });
    const [headers, flags] = (await once(stream, 'response')) as [Record<string, unknown>, number];
    assert.equal(headers[':status'], status);
    assert.equal(headers['content-length'], length === null ? undefined : String(length));
    assert.equal(flags & 1, 1, 'END_STREAM');
    stream.resume();
    await once(stream, 'close');
  });
}

test('100 is sent when asked for, other 1xx responses come in front of the final one', async (t) => {
  const { session } = await open(t, {
    handle: (exchange, handler) => {
      exchange.sendInformational(headOf(103, null, { link: '</a.css>' }));
      if (exchange.request.expectsContinue) exchange.sendContinue();
      handler.onBodyEnd = () => answer(exchange, handler.body);
    },
  });
  const stream = session.request({ ':method': 'POST', expect: '100-continue' });
  const early = once(stream, 'headers');
  await once(stream, 'continue');
  stream.end('body');
  assert.equal(await textOf(stream), 'body');
  assert.equal(((await early) as [Record<string, unknown>])[0][':status'], 103);
});

test('an early response is followed by RST_STREAM with NO_ERROR, and other streams go on', async (t) => {
  const { server, session } = await open(t, { handle: (exchange) => answer(exchange, 'enough') });
  const stream = session.request({ ':method': 'POST' }, { endStream: false });
  stream.write('x'.repeat(1000));
  assert.equal(await textOf(stream), 'enough');
  assert.equal(stream.rstCode, 0);
  assert.equal(await textOf(session.request({})), 'enough');
  assert.ok(server.handlers.every(({ said }) => said.every((what) => !what.startsWith('abort'))));
});

test('a handler that takes nothing holds the client back at the window, and then gets everything', async (t) => {
  const { server, session } = await open(t, {
    handle: (exchange, handler) => {
      handler.takesMore = false;
      handler.onBodyEnd = () => answer(exchange, String(handler.body.length));
    },
  });
  const stream = session.request({ ':method': 'POST' });
  stream.end(Buffer.alloc(1_000_000, 'x'));
  await server.until(() => server.handlers[0]?.said.length === 1);
  const [handler] = server.handlers;
  assert.ok(handler !== undefined);
  const taken = handler.body.length;
  assert.ok(taken <= 65_536);
  assert.ok(handler.exchange.requestBytes <= 65_536 + 2_000);
  handler.takesMore = true;
  handler.exchange.resumeBody();
  assert.equal(await textOf(stream), '1000000');
});

test('a client that reads nothing makes write answer false, and onWritable comes when it reads on', async (t) => {
  const chunk = Buffer.alloc(16_384, 'y');
  let written = 0;
  const { server, session } = await open(t, {
    handle: (exchange, handler) => {
      exchange.sendHead(headOf(200, null));
      const fill = (): void => {
        while (written < 4_000_000) {
          written += chunk.length;
          if (!exchange.write(chunk)) return;
        }
        exchange.end(null);
      };
      handler.onWritable = fill;
      fill();
    },
  });
  const stream = session.request({});
  await once(stream, 'response');
  assert.ok(written <= 65_535 + 2 * chunk.length, String(written));
  assert.equal((await textOf(stream)).length, written);
  assert.ok(written >= 4_000_000);
  assert.equal(server.handlers[0]?.exchange.responseBodyBytes, written);
});

test("the client's RST_STREAM and its going away are told as clientGone", async (t) => {
  const { server, session } = await open(t, {});
  const first = session.request({ ':method': 'POST' }, { endStream: false });
  first.on('error', () => {});
  await server.until(() => server.handlers.length === 1);
  first.close(8);
  await server.until(() => server.handlers[0]?.said.includes('abort clientGone') === true);
  session.request({ ':method': 'POST' }, { endStream: false }).on('error', () => {});
  await server.until(() => server.handlers.length === 2);
  session.destroy();
  await server.until(() => server.handlers[1]?.said.includes('abort clientGone') === true);
  // Once each, and nothing behind it.
  assert.ok(server.handlers.every(({ said }) => said.filter((what) => what.startsWith('abort')).length === 1 && said.at(-1)?.startsWith('abort')));
});

for (const [reason, code] of [['upstreamFailed', 2], ['shutdown', 8]] as const) {
  test(`a response aborted by ${reason} ends in RST_STREAM, so that it cannot be taken for a whole one`, async (t) => {
    const { session } = await open(t, {
      handle: (exchange) => {
        exchange.sendHead(headOf(200, null));
        exchange.write(Buffer.from('part'));
        setImmediate(() => exchange.abort(reason));
      },
    });
    const stream = session.request({});
    assert.equal(await endOf(stream), code);
  });
}

test('a body that differs from its announced length never looks whole', async (t) => {
  const { session } = await open(t, {
    handle: (exchange) => {
      exchange.sendHead(headOf(200, 10));
      exchange.write(Buffer.from(exchange.request.target === '/short' ? 'short' : 'much too long'));
      exchange.end(null);
    },
  });
  assert.equal(await endOf(session.request({ ':path': '/short' })), 8);
  assert.equal(await endOf(session.request({ ':path': '/long' })), 2);
});

test('a fault thrown by the listener ends the connection and is told', async (t) => {
  const { server, session } = await open(t, {
    handle: () => {
      throw new Error('a fault');
    },
  });
  const stream = session.request({});
  await assert.rejects(textOf(stream));
  assert.equal(server.faults.length, 1);
});
