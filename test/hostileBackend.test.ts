import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { startGatehouse, type Gatehouse } from './support/gatehouse.ts';
import { ingress, service } from './support/manifests.ts';
import { exchangeRaw, type RawReceived } from './support/rawClient.ts';
import { fieldOf, readResponses, type RawResponse } from './support/rawResponse.ts';
import { startScriptedBackend, type Act, type ScriptedBackend } from './support/scriptedBackend.ts';

/** What a client may see of a response that breaks a rule. */
type Seen =
  /** 502, and the connection goes on. */
  | '502'
  /** The beginning of a response whose framing never ends. */
  | 'cut'
  /** A whole response, as `check` says. */
  | 'repaired';

interface Rule {
  readonly says: string;
  readonly seen: Seen;
  readonly method?: string;
  readonly octets: string;
  /** What the backend does when it has said that; default: waits for the next request. */
  readonly act?: Act;
  readonly check?: (response: RawResponse) => void;
}

const OK = 'HTTP/1.1 200 OK\r\n';
/** A forged response that must never be the answer to anything. */
const FORGED = `${OK}Content-Length: 6\r\nX-Forged: yes\r\n\r\nforged`;

const isEmpty = (status: number) => (response: RawResponse): void => {
  assert.equal(response.status, status);
  assert.equal(response.body, '');
  assert.doesNotMatch(response.head, /forged/i);
};
const hasBody = (body: string) => (response: RawResponse): void => {
  assert.equal(response.status, 200);
  const chunked = fieldOf(response, 'transfer-encoding') === 'chunked';
  assert.equal(chunked ? response.body.replace(/[0-9a-f]+\r\n|\r\n/g, '') : response.body, body);
};
const head = (...lines: string[]): string => `${OK}${lines.join('\r\n')}\r\n\r\n`;
const length = (value: string): string => `${head(`Content-Length: ${value}`)}ping`;
const coded = (value: string): string => `${head(`Transfer-Encoding: ${value}`)}4\r\nping\r\n0\r\n\r\n`;
const chunks = (octets: string): string => `${head('Transfer-Encoding: chunked')}${octets}`;

const RULES: readonly Rule[] = [
  { says: 'a bare LF behind the status line', seen: '502', octets: 'HTTP/1.1 200 OK\nContent-Length: 4\r\n\r\nping' },
  { says: 'a bare LF behind a field line', seen: '502', octets: `${OK}X-A: b\nContent-Length: 4\r\n\r\nping` },
  { says: 'a head that bare LFs end', seen: '502', octets: 'HTTP/1.1 200 OK\nContent-Length: 4\n\nping' },
  { says: 'a bare CR in a value', seen: '502', octets: `${head('X-A: b\rSet-Cookie: a=b', 'Content-Length: 4')}ping` },
  { says: 'a head ended by CRLF CR X', seen: '502', octets: `${OK}Content-Length: 4\r\n\rXping` },
  { says: 'a folded field', seen: '502', octets: `${head('X-A: b\r\n c', 'Content-Length: 4')}ping` },
  { says: 'NUL in a value', seen: '502', octets: `${head('X-A: b\0c', 'Content-Length: 4')}ping` },
  { says: 'NUL in a name', seen: '502', octets: `${head('X-\0A: b', 'Content-Length: 4')}ping` },
  { says: 'NUL in the reason', seen: '502', octets: 'HTTP/1.1 200 O\0K\r\nContent-Length: 4\r\n\r\nping' },
  { says: 'an empty field name', seen: '502', octets: `${head(': b', 'Content-Length: 4')}ping` },
  { says: 'a field line without a colon', seen: '502', octets: `${head('X-A', 'Content-Length: 4')}ping` },
  { says: 'a high octet in a name', seen: '502', octets: `${head('X\xefA: b', 'Content-Length: 4')}ping` },
  { says: 'whitespace before the first field', seen: '502', octets: `${head(' X-A: b', 'Content-Length: 4')}ping` },
  { says: 'a space inside a name', seen: '502', octets: `${head('X A: b', 'Content-Length: 4')}ping` },
  {
    says: 'a space before a colon, which is removed',
    seen: 'repaired',
    octets: `${head('X-A : b', 'Content-Length : 4')}ping`,
    check: (response) => {
      hasBody('ping')(response);
      assert.match(response.head, /\r\nX-A: b\r\n/);
    },
  },
  { says: 'two different Content-Lengths', seen: '502', octets: `${head('Content-Length: 4', 'Content-Length: 5')}ping` },
  { says: 'two equal Content-Lengths', seen: '502', octets: `${head('Content-Length: 4', 'Content-Length: 4')}ping` },
  ...['', '+4', '-4', '0x4', '4.0', '4e0', '4, 4', '4, 5', '4 4', '"4"', 'four', '9007199254740993', '18446744073709551620'].map(
    (value): Rule => ({ says: `Content-Length "${value}"`, seen: '502', octets: length(value) }),
  ),
  { says: 'Content-Length beside Transfer-Encoding', seen: '502', octets: `${head('Content-Length: 4', 'Transfer-Encoding: chunked')}4\r\nping\r\n0\r\n\r\n` },
  ...['chunked, chunked', 'gzip', 'gzip, chunked', 'chunked, gzip', 'xchunked', 'chunked;q=1', '"chunked"', 'identity', '\x0bchunked'].map(
    (value): Rule => ({ says: `Transfer-Encoding ${JSON.stringify(value)}`, seen: '502', octets: coded(value) }),
  ),
  { says: 'chunked on two lines', seen: '502', octets: `${head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}4\r\nping\r\n0\r\n\r\n` },
  {
    says: 'Transfer-Encoding in HTTP/1.0',
    seen: '502',
    octets: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nping\r\n0\r\n\r\n',
  },
  { says: 'garbage before the status line', seen: '502', octets: `garbage\r\n${length('4')}` },
  { says: 'an empty line before the status line', seen: '502', octets: `\r\n${length('4')}` },
  ...['HTTP/2.0 200 OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 0200 OK', 'HTTP/1.1  200 OK', 'http/1.1 200 OK', 'ICY 200 OK', 'HTTP/1.1 +20 OK', 'HTTP/1.1 099 OK'].map(
    (line): Rule => ({ says: `the status line "${line}"`, seen: '502', octets: `${line}\r\nContent-Length: 4\r\n\r\nping` }),
  ),
  { says: 'a request instead of a response', seen: '502', octets: 'GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n' },
  { says: 'an HTTP/0.9 response', seen: '502', octets: '<html>hello</html>\r\n\r\n', act: 'end' },
  { says: 'a status line of 100 KiB', seen: '502', octets: `HTTP/1.1 200 ${'a'.repeat(100 * 1024)}\r\nContent-Length: 4\r\n\r\nping` },
  { says: 'a field of 1 MiB', seen: '502', octets: `${head(`X-A: ${'b'.repeat(1024 * 1024)}`, 'Content-Length: 4')}ping` },
  { says: '5000 fields', seen: '502', octets: `${head(...Array.from({ length: 5000 }, (_, index) => `X-${index}: b`), 'Content-Length: 4')}ping` },
  { says: 'a head that never ends', seen: '502', octets: OK, act: 'flood' },
  { says: '10,000 interim responses', seen: '502', octets: `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(10_000)}${length('4')}` },
  { says: 'a 101 that nobody asked for', seen: '502', octets: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n' },
  { says: 'no response before the end', seen: '502', octets: '', act: 'end' },
  { says: 'no response before a reset', seen: '502', octets: '', act: 'reset' },
  { says: 'half a status line', seen: '502', octets: 'HTTP/1.1 20', act: 'end' },
  { says: 'half a head', seen: '502', octets: `${OK}Content-Length: 4\r\n`, act: 'end' },

  { says: 'a body shorter than its length, then the end', seen: 'cut', octets: `${head('Content-Length: 100')}ping`, act: 'end' },
  { says: 'a body shorter than its length, then a reset', seen: 'cut', octets: `${head('Content-Length: 100')}ping`, act: 'reset' },
  { says: 'chunks without a last one, then the end', seen: 'cut', octets: chunks('4\r\nping\r\n'), act: 'end' },
  { says: 'half a chunk, then the end', seen: 'cut', octets: chunks('8\r\nping'), act: 'end' },
  { says: 'a last chunk without its empty line, then the end', seen: 'cut', octets: chunks('4\r\nping\r\n0\r\n'), act: 'end' },
  { says: 'a reset in a body that lasts until the close', seen: 'cut', octets: `${OK}\r\nping`, act: 'reset' },
  { says: 'a chunk size that is no number', seen: 'cut', octets: chunks('4\r\nping\r\nzz\r\nping\r\n0\r\n\r\n') },
  { says: 'a chunk size beyond 64 bits', seen: 'cut', octets: chunks('4\r\nping\r\n10000000000000004\r\nping\r\n0\r\n\r\n') },
  { says: 'a chunk longer than its size', seen: 'cut', octets: chunks('4\r\nping\r\n2\r\nping\r\n0\r\n\r\n') },
  { says: 'a chunk line ended by a bare LF', seen: 'cut', octets: chunks('4\r\nping\r\n4\nping\r\n0\r\n\r\n') },
  { says: 'a chunk extension of 100 KiB', seen: 'cut', octets: chunks(`4\r\nping\r\n4;${'a'.repeat(100 * 1024)}\r\nping\r\n0\r\n\r\n`) },
  { says: 'trailers of 1 MiB', seen: 'cut', octets: chunks(`4\r\nping\r\n0\r\nX-A: ${'b'.repeat(1024 * 1024)}\r\n\r\n`) },
  { says: 'a folded trailer', seen: 'cut', octets: chunks('4\r\nping\r\n0\r\nX-A: b\r\n c\r\n\r\n') },

  { says: 'octets behind a body of known length', seen: 'repaired', octets: `${length('4')}${FORGED}`, check: hasBody('ping') },
  { says: 'octets behind a chunked body', seen: 'repaired', octets: `${chunks('4\r\nping\r\n0\r\n\r\n')}${FORGED}`, check: hasBody('ping') },
  { says: 'octets behind an empty body', seen: 'repaired', octets: `${head('Content-Length: 0')}${FORGED}`, check: isEmpty(200) },
  { says: 'a body behind 204', seen: 'repaired', octets: `HTTP/1.1 204 No Content\r\nContent-Length: ${FORGED.length}\r\n\r\n${FORGED}`, check: isEmpty(204) },
  { says: 'a chunked body behind 204', seen: 'repaired', octets: `HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nping\r\n0\r\n\r\n`, check: isEmpty(204) },
  { says: 'a body behind 304', seen: 'repaired', octets: `HTTP/1.1 304 Not Modified\r\nContent-Length: ${FORGED.length}\r\n\r\n${FORGED}`, check: isEmpty(304) },
  { says: 'a body behind the answer to HEAD', seen: 'repaired', method: 'HEAD', octets: `${head(`Content-Length: ${FORGED.length}`)}${FORGED}`, check: isEmpty(200) },
  { says: 'a chunked body behind the answer to HEAD', seen: 'repaired', method: 'HEAD', octets: coded('chunked'), check: isEmpty(200) },
  { says: 'chunk extensions, which go no further', seen: 'repaired', octets: chunks('4;a=b\r\nping\r\n0;z\r\n\r\n'), check: hasBody('ping') },
  {
    says: 'trailers that would change the framing, which go no further',
    seen: 'repaired',
    octets: chunks('4\r\nping\r\n0\r\nContent-Length: 400\r\nTransfer-Encoding: identity\r\nSet-Cookie: a=b\r\n\r\n'),
    check: (response) => assert.doesNotMatch(`${response.head}${response.body}`, /Content-Length|identity/i),
  },
  { says: 'five early hints, which are passed on', seen: 'repaired', octets: `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(5)}${length('4')}`, check: hasBody('ping') },
  {
    says: 'fields of its own connection, which go no further',
    seen: 'repaired',
    octets: `${head('Connection: X-Hop, keep-alive', 'X-Hop: b', 'Keep-Alive: timeout=9', 'Proxy-Connection: close', 'Upgrade: h2c', 'Content-Length: 4')}ping`,
    check: (response) => assert.doesNotMatch(response.head, /X-Hop|timeout=9|Proxy-Connection|h2c/i),
  },
  { says: 'fields named as properties of objects', seen: 'repaired', octets: `${head('__proto__: b', 'constructor: b', 'Content-Length: 4')}ping`, check: hasBody('ping') },
];

suite('a hostile backend', () => {
  let backend: ScriptedBackend;
  let gatehouse: Gatehouse;
  before(async () => {
    backend = await startScriptedBackend();
    // One worker: every client shares its connections to the backend.
    gatehouse = await startGatehouse({
      workers: 1,
      manifests: [ingress('gateway', 'gw.test', [{ path: '/', service: 'hostile' }]), ...service('hostile', [{ address: '127.0.0.1', port: backend.port }])],
    });
  });
  after(async () => {
    await gatehouse.stop();
    await backend.close();
  });

  for (const [index, rule] of RULES.entries()) {
    test(`${rule.says}: ${seenAs(rule.seen)}, and every other request gets its own answer`, async () => {
      backend.script(`/rule/${index}`, { octets: rule.octets, act: rule.act ?? 'keep' });
      const other = ask(gatehouse, `/other/${index}`);
      const first = `${rule.method ?? 'GET'} /rule/${index} HTTP/1.1\r\nHost: gw.test\r\n\r\n`;
      const received = await write(gatehouse, `${first}${get(`/next/${index}`)}`);
      judge(rule, received, { method: rule.method ?? 'GET', next: `/next/${index}` });
      await other;
      for (const turn of ['a', 'b', 'c']) await ask(gatehouse, `/after/${index}${turn}`);
    });
  }

  test('a response on an idle connection ends that connection and answers nobody', async () => {
    await ask(gatehouse, '/before-idle');
    const idle = backend.idleSockets();
    assert.ok(idle.length > 0);
    await Promise.all(
      idle.map(async (socket: Socket) => {
        socket.write(FORGED);
        if (!socket.closed) await once(socket, 'close');
      }),
    );
    for (let turn = 0; turn < 5; turn += 1) await ask(gatehouse, `/after-idle/${turn}`);
  });

  test('an answer to half an upload and then a reset is that answer or a failure, never a success', async () => {
    backend.scriptHead('/early', { octets: 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig', act: 'reset' });
    const upload = `POST /early HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 900000\r\n\r\n${'x'.repeat(900_000)}`;
    const { octets, end } = await write(gatehouse, upload);
    assert.notEqual(end, 'timeout');
    const { responses } = readResponses(octets, ['POST']);
    assert.ok(responses.length <= 1);
    for (const { status } of responses) assert.ok(status === 413 || status === 502, `status ${status}`);
    for (let turn = 0; turn < 3; turn += 1) await ask(gatehouse, `/after-early/${turn}`);
  });

  test('an answer to half an upload on a connection that stays open does not answer the next request as well', async () => {
    backend.scriptHead('/early-kept', { octets: `HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno`, act: 'keep' });
    const upload = `POST /early-kept HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}${get('/next-kept')}`;
    const { octets, end } = await write(gatehouse, upload);
    assert.equal(end, 'closed');
    const { responses, rest } = readResponses(octets, ['POST', 'GET']);
    assert.equal(responses[0]?.status, 403);
    if (responses[1] !== undefined) assert.equal(responses[1].body, '/next-kept');
    assert.equal(rest, '');
    for (let turn = 0; turn < 3; turn += 1) await ask(gatehouse, `/after-kept/${turn}`);
  });

  test('an HTTP/1.0 client sees a truncated body as a reset, since only the end of the connection ends it', async () => {
    backend.script('/short', { octets: chunks('4\r\nping\r\n'), act: 'end' });
    const { end } = await write(gatehouse, 'GET /short HTTP/1.0\r\nHost: gw.test\r\n\r\n');
    assert.equal(end, 'reset');
  });

  test('a 101 to another protocol than the one asked for opens no tunnel', async () => {
    backend.script('/other-protocol', { octets: `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: forged\r\n\r\n${FORGED}`, act: 'keep' });
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n';
    const { octets } = await write(gatehouse, `GET /other-protocol HTTP/1.1\r\nHost: gw.test\r\n${upgrade}\r\n`);
    assert.deepEqual(readResponses(octets, ['GET']).responses.map(({ status }) => status), [502]);
    assert.doesNotMatch(octets, /forged/i);
  });

  test('the backend itself saw nothing but requests, and the proxy met no fault of its own', () => {
    assert.deepEqual(backend.violations, []);
    assert.deepEqual(gatehouse.log.filter(({ level }) => level === 'error' || level === 'fatal'), []);
  });
});

function judge({ seen, check }: Rule, { octets, end }: RawReceived, { method, next }: { readonly method: string; readonly next: string }): void {
  const { responses, rest } = readResponses(octets, [method, 'GET']);
  const said = `${end} ${JSON.stringify(octets.slice(0, 1000))}`;
  assert.notEqual(end, 'timeout', said);
  assert.doesNotMatch(octets, /X-Forged/, said);
  if (seen === 'cut') {
    assert.deepEqual(responses, [], said);
    assert.ok(rest === '' || rest.startsWith('HTTP/1.1 200 OK\r\n'), said);
    return;
  }
  assert.equal(rest, '', said);
  assert.equal(responses.length, 2, said);
  const [first, second] = responses as [RawResponse, RawResponse];
  if (seen === '502') assert.equal(first.status, 502, said);
  check?.(first);
  assert.equal(second.status, 200, said);
  assert.equal(second.body, next, said);
}

function seenAs(seen: Seen): string {
  switch (seen) {
    case '502':
      return 'the client gets 502';
    case 'cut':
      return 'the client sees a cut';
    case 'repaired':
      return 'the client gets one sound response';
  }
}

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: gw.test\r\n\r\n`;
}

function write({ http }: Gatehouse, octets: string): Promise<RawReceived> {
  return exchangeRaw({ port: http, from: '127.0.0.1', octets: Buffer.from(octets, 'latin1'), mode: 'whole' });
}

/** A request on a fresh connection that must get its own answer. */
async function ask(gatehouse: Gatehouse, target: string): Promise<void> {
  const { octets } = await write(gatehouse, get(target));
  const { responses, rest } = readResponses(octets, ['GET']);
  assert.deepEqual(responses.map(({ status, body }) => ({ status, body })), [{ status: 200, body: target }], octets.slice(0, 500));
  assert.equal(rest, '');
}
