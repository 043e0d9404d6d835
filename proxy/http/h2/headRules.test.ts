import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { assertNothingOpen } from '../../testing/nothingOpen.ts';
import { block, data, frame, headers, request, type Lines } from './fixture/rawFrames.ts';
import type { RawH2Client } from './fixture/rawH2Client.ts';
import { answer, startH2Server, type RunningH2Server } from './fixture/startH2Server.ts';
import { ERROR_CODE, FLAG, FRAME } from './frames.ts';

after(assertNothingOpen);

async function open(t: TestContext): Promise<{ server: RunningH2Server; client: RawH2Client }> {
  const server = await startH2Server(t, { handle: (exchange, handler) => (handler.onBodyEnd = () => answer(exchange)) });
  return { server, client: await server.connect() };
}

/** RFC 9113 sections 8.1 to 8.3: each is a stream error, and no exchange comes of it. */
const MALFORMED: readonly (readonly [string, Lines])[] = [
  ...['a\r\nb: c', 'a\nb', 'a\rb', 'a\0b', '\x01', 'a\x7f', ' a', 'a ', '\ta', 'a\t'].map(
    (value): readonly [string, Lines] => [`a value ${JSON.stringify(value)}`, request({}, [['x-custom', value]])],
  ),
  ...['', 'X-Custom', 'x y', 'x\0', 'x\r\ny', 'x:y', ':', 'x\x7f', 'x\xe9', 'x"', 'x('].map(
    (name): readonly [string, Lines] => [`a name ${JSON.stringify(name)}`, request({}, [[name, 'a']])],
  ),
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'].map(
    (name): readonly [string, Lines] => [`the field ${name}`, request({}, [[name, 'chunked']])],
  ),
  ['te: gzip', request({}, [['te', 'gzip']])],
  ['te: trailers, gzip', request({}, [['te', 'trailers, gzip']])],
  ['te twice', request({}, [['te', 'trailers'], ['te', 'trailers']])],
  ['a repeated :path', request({}, [[':path', '/other']])],
  ['a repeated :authority', [[':authority', 'gw.test'], ...request()]],
  ['an unknown pseudo-header field', [[':x', 'a'], ...request()]],
  ['a response pseudo-header field', [[':status', '200'], ...request()]],
  ['a pseudo-header field behind another field', [['a', 'b'], ...request()]],
  ...[':method', ':scheme', ':path'].flatMap((name): (readonly [string, Lines])[] => [
    [`no ${name}`, request({ [name]: undefined })],
    [`an empty ${name}`, request({ [name]: '' })],
  ]),
  ['an empty :authority', request({ ':authority': '' })],
  ['a method with a space', request({ ':method': 'GET / HTTP/1.1' })],
  ['a method with CRLF', request({ ':method': 'GET\r\nX: y' })],
  ['a scheme that is a URL', request({ ':scheme': 'http://x/?' })],
  ['another scheme', request({ ':scheme': 'ftp' })],
  ['a path with CRLF', request({ ':path': '/ HTTP/1.1\r\nX: y' })],
  ['an authority with CRLF', request({ ':authority': 'gw.test\r\nX: y' })],
  ['another host than :authority', request({}, [['host', 'other.test']])],
  ['two hosts', request({ ':authority': undefined }, [['host', 'gw.test'], ['host', 'gw.test']])],
  ['content-length and no content', request({ ':method': 'POST' }, [['content-length', '5']])],
  ...['', '0,', '+1', '-1', '1, 1', '0x1', '1e1', '9'.repeat(30)].map(
    (value): readonly [string, Lines] => [`content-length ${JSON.stringify(value)}`, request({}, [['content-length', value]])],
  ),
  ['two equal content-lengths', request({}, [['content-length', '0'], ['content-length', '0']])],
  [':protocol without CONNECT', request({ ':protocol': 'websocket' })],
  ['CONNECT with a path', request({ ':method': 'CONNECT' })],
  ['extended CONNECT without :path', request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': undefined })],
];

for (const [what, lines] of MALFORMED) {
  test(`${what} is a stream error PROTOCOL_ERROR: no exchange, and the connection goes on`, async (t) => {
    const { server, client } = await open(t);
    client.open(headers(1, lines));
    assert.equal(await client.resetCode(1), ERROR_CODE.protocolError);
    client.send(headers(3, request()));
    assert.equal((await client.head(3))[':status'], '200');
    assert.equal(server.handlers.length, 1);
    assert.deepEqual(server.rejections.map(({ error }) => error.status), [400]);
  });
}

/** Well-formed for RFC 9113, refused by the rules that hold for HTTP/1.1 too. */
const REFUSED: readonly (readonly [number, string, Lines])[] = [
  [400, 'a path with a space', request({ ':path': '/a b' })],
  [400, 'a path with a fragment', request({ ':path': '/a#b' })],
  [400, 'a path with a backslash', request({ ':path': '/a\\b' })],
  [400, 'a path with %00', request({ ':path': '/%00' })],
  [400, 'a path with a broken percent', request({ ':path': '/%zz' })],
  [400, 'a path without a slash', request({ ':path': 'a' })],
  [400, 'a path that is a URL', request({ ':path': 'http://gw.test/' })],
  [400, '* with GET', request({ ':path': '*' })],
  [400, 'userinfo', request({ ':authority': 'a@gw.test' })],
  [400, 'an authority with a comma', request({ ':authority': 'gw.test,other.test' })],
  [400, 'an authority with a path', request({ ':authority': 'gw.test/x' })],
  [400, 'an authority with two ports', request({ ':authority': 'gw.test:80:81' })],
  [400, 'no authority', request({ ':authority': undefined })],
  [414, 'a path too long', request({ ':path': `/${'x'.repeat(9_000)}` })],
  [417, 'an expectation nobody knows', request({}, [['expect', 'x']])],
  [431, 'a field too long', request({}, [['x', 'y'.repeat(9_000)]])],
  [431, 'too many fields', request({}, Array.from({ length: 101 }, () => ['x', 'y'] as const))],
  [431, 'too many cookie crumbs', request({}, Array.from({ length: 101 }, () => ['cookie', 'a=b'] as const))],
  [501, 'plain CONNECT', [[':method', 'CONNECT'], [':authority', 'gw.test:80']]],
  [501, 'TRACE', request({ ':method': 'TRACE' })],
  [501, 'CONNECT for another protocol', request({ ':method': 'CONNECT', ':protocol': 'connect-udp' })],
];

for (const [status, what, lines] of REFUSED) {
  test(`${what} is answered ${status} and never becomes an exchange`, async (t) => {
    const { server, client } = await open(t);
    client.open(headers(1, lines));
    const head = await client.head(1);
    assert.equal(head[':status'], String(status));
    const page = await client.frame(({ type, streamId }) => type === FRAME.data && streamId === 1);
    assert.match(page.payload.toString(), new RegExp(`request id: ${server.rejections[0]?.requestId}`));
    assert.equal(server.handlers.length, 0);
    assert.deepEqual(server.rejections.map(({ error }) => error.status), [status]);
  });
}

const BODIES: readonly (readonly [string, string | null, readonly [string, boolean][], boolean])[] = [
  ['the length announced', '5', [['hel', false], ['lo', true]], true],
  ['the length announced, with an empty end', '5', [['hello', false], ['', true]], true],
  ['no length announced', null, [['hello', true]], true],
  ['more than announced', '3', [['hello', true]], false],
  ['less than announced', '9', [['hello', true]], false],
  ['content behind a length of 0', '0', [['GET /smuggled HTTP/1.1\r\n\r\n', true]], false],
];

for (const [what, length, pieces, isSound] of BODIES) {
  test(`a body of ${what} is ${isSound ? 'delivered' : 'a stream error, and its end is never told'}`, async (t) => {
    const { server, client } = await open(t);
    const lines = request({ ':method': 'POST' }, length === null ? [] : [['content-length', length]]);
    client.open(headers(1, lines, false), ...pieces.map(([text, isLast]) => data(1, text, isLast)));
    if (isSound) {
      assert.equal((await client.head(1))[':status'], '200');
      assert.equal(server.handlers[0]?.body, 'hello');
      return;
    }
    assert.equal(await client.resetCode(1), ERROR_CODE.protocolError);
    await server.until(() => server.handlers[0]?.said.includes('abort clientProtocolError') === true);
    assert.ok(!server.handlers[0]?.said.includes('end'));
  });
}

const TRAILERS: readonly (readonly [string, Lines, boolean])[] = [
  ['sound ones', [['x-sum', 'a']], true],
  ['a pseudo-header field', [[':path', '/']], false],
  ['CRLF', [['x', 'a\r\nb: c']], false],
  ['upper case', [['X', 'a']], false],
  ['transfer-encoding', [['transfer-encoding', 'chunked']], false],
];

for (const [what, lines, isSound] of TRAILERS) {
  test(`trailers with ${what} are ${isSound ? 'delivered' : 'a stream error'}`, async (t) => {
    const { server, client } = await open(t);
    client.open(headers(1, request({ ':method': 'POST' }), false), data(1, 'a'), headers(1, lines));
    if (!isSound) assert.equal(await client.resetCode(1), ERROR_CODE.protocolError);
    else assert.equal((await client.head(1))[':status'], '200');
    assert.equal(server.handlers[0]?.said.includes('abort clientProtocolError'), !isSound);
  });
}

test('HEADERS in the middle of a body that do not end it are a stream error', async (t) => {
  const { client } = await open(t);
  client.open(headers(1, request({ ':method': 'POST' }), false), headers(1, [['x', 'a']], false));
  assert.equal(await client.resetCode(1), ERROR_CODE.protocolError);
});

test('names with an underscore vanish, as from HTTP/1.1: a backend may read them as another field', async (t) => {
  const { server, client } = await open(t);
  client.open(headers(1, request({}, [['content_length', '5'], ['x-real', 'a'], ['proxy', 'http://evil']])));
  await client.head(1);
  const { fields } = server.handlers[0]?.exchange.request ?? assert.fail();
  assert.deepEqual([fields.get('content_length'), fields.get('x-real'), fields.get('proxy')], [undefined, 'a', undefined]);
});

test('host stands in for :authority, and * goes with OPTIONS', async (t) => {
  const { server, client } = await open(t);
  client.open(headers(1, request({ ':authority': undefined, ':path': '*', ':method': 'OPTIONS' }, [['host', 'Gw.test:80']])));
  await client.head(1);
  const { request: head } = server.handlers[0]?.exchange ?? assert.fail();
  assert.deepEqual([head.authority, head.target], ['Gw.test:80', '*']);
});

test('padding, priority and a block in pieces change nothing, one octet at a time either', async (t) => {
  const { server, client } = await open(t);
  const octets = block(request({ ':method': 'POST' }));
  const flags = FLAG.padded | FLAG.priority;
  const head = frame(FRAME.headers, flags, 1, Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 9]), octets.subarray(0, 5), Buffer.alloc(2)]));
  const rest = frame(FRAME.continuation, FLAG.endHeaders, 1, octets.subarray(5));
  const body = frame(FRAME.data, FLAG.padded | FLAG.endStream, 1, Buffer.concat([Buffer.from([3]), Buffer.from('hello'), Buffer.alloc(3)]));
  client.open();
  for (const octet of Buffer.concat([head, rest, body])) client.send(Buffer.from([octet]));
  await client.head(1);
  assert.equal(server.handlers[0]?.body, 'hello');
});
