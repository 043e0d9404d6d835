import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields } from '../fields.ts';
import { CRLF, encodeChunkHeader, encodeLastChunk } from './encodeChunk.ts';
import { EncodeFault, type EncodeFaultCode } from './encodeFault.ts';
import { encodeRequestHead, encodeResponseHead } from './encodeHead.ts';
import type { RequestHeadParts, ResponseHeadParts } from './encodeHead.ts';
import { requestLog, responseLog } from './fixture/eventLog.ts';

function fieldsOf(...pairs: readonly (readonly [string, string])[]): Fields {
  const fields = new Fields();
  for (const [name, value] of pairs) fields.append(name, name.toLowerCase(), value);
  return fields;
}

function request(parts: Partial<RequestHeadParts> = {}): string {
  return encodeRequestHead({
    method: 'GET',
    target: '/',
    authority: 'a.test',
    fields: fieldsOf(),
    sharedFields: null,
    framing: { type: 'none' },
    upgrade: null,
    expectsContinue: false,
    ...parts,
  });
}

function response(parts: Partial<ResponseHeadParts> = {}): string {
  const none = { status: 200, reason: '', fields: fieldsOf(), keepAlive: true, upgrade: null } as const;
  return encodeResponseHead({ ...none, framing: { type: 'none' }, ...parts });
}

function refuses(code: EncodeFaultCode, encode: () => string): void {
  assert.throws(encode, { name: 'EncodeFault', code });
}

test('a request has one Host, its own framing, and the fields in order', () => {
  const fields = fieldsOf(['X-B', '2'], ['Host', 'b.test'], ['x-a', 'caf\xe9'], ['Expect', 'tea'], ['X-B', '']);
  assert.equal(
    request({ method: 'POST', target: '/a?b', fields, framing: { type: 'length', bytes: 5 }, expectsContinue: true }),
    'POST /a?b HTTP/1.1\r\nHost: a.test\r\nX-B: 2\r\nx-a: caf\xe9\r\nX-B: \r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
  );
  assert.equal(
    request({ upgrade: 'websocket', authority: '' }),
    'GET / HTTP/1.1\r\nHost: \r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  assert.match(request({ framing: { type: 'chunked' } }), /\r\nTransfer-Encoding: chunked\r\n\r\n$/);
});

test('a response is HTTP/1.1 with the phrase of the backend or the standard one', () => {
  assert.equal(response({ framing: { type: 'length', bytes: 0 } }), 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  const closing = response({ reason: 'Fine', keepAlive: false, framing: { type: 'close' } });
  assert.equal(closing, 'HTTP/1.1 200 Fine\r\nConnection: close\r\n\r\n');
  assert.equal(response({ status: 299 }), 'HTTP/1.1 299 \r\n\r\n');
  assert.equal(
    response({ status: 101, upgrade: 'websocket' }),
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
});

test('no name or value can end its line', () => {
  for (const octets of ['\r', '\n', '\r\n', '\0', '\x7f', '\x0b', '\u010d\u010a', '\u{1f600}']) {
    refuses('fieldValue', () => response({ fields: fieldsOf(['X-A', `a${octets}b`]) }));
    refuses('fieldValue', () => request({ fields: fieldsOf(['X-A', octets]) }));
    refuses('fieldName', () => response({ fields: fieldsOf([`X${octets}`, 'a']) }));
    refuses('fieldValue', () => encodeLastChunk(fieldsOf(['X-A', octets])));
    refuses('startLine', () => response({ reason: `a${octets}` }));
    refuses('startLine', () => response({ status: 101, upgrade: `a${octets}` }));
    refuses('startLine', () => request({ target: `/${octets}` }));
    refuses('startLine', () => request({ method: `G${octets}` }));
    refuses('startLine', () => request({ authority: `a${octets}` }));
    refuses('startLine', () => request({ upgrade: `a${octets}` }));
  }
  for (const name of ['', ' ', 'X A', 'X:', 'caf\xe9']) refuses('fieldName', () => response({ fields: fieldsOf([name, 'a']) }));
  for (const target of ['', '/a b', '/a HTTP/1.1\r\nX: ']) refuses('startLine', () => request({ target }));
  refuses('startLine', () => request({ method: '' }));
});

test('framing comes from the arguments alone', () => {
  for (const name of ['Content-Length', 'transfer-encoding', 'CONNECTION', 'Upgrade']) {
    refuses('controlField', () => response({ fields: fieldsOf([name, '1']) }));
    refuses('controlField', () => request({ fields: fieldsOf([name, '1']) }));
  }
  for (const bytes of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
    refuses('length', () => response({ framing: { type: 'length', bytes } }));
    refuses('length', () => encodeChunkHeader(bytes));
  }
  refuses('length', () => encodeChunkHeader(0));
  refuses('length', () => request({ framing: { type: 'close' } }));
  for (const status of [0, 99, 1000, 200.5, NaN]) refuses('startLine', () => response({ status }));
});

test('a fault leaves nothing behind in the next head', () => {
  refuses('fieldValue', () => response({ fields: fieldsOf(['X-A', '1'], ['X-B', '\n']) }));
  assert.equal(response({ fields: fieldsOf(['X-C', '1']) }), 'HTTP/1.1 200 OK\r\nX-C: 1\r\n\r\n');
});

test('chunks and trailers are read back as they were written', () => {
  const body = ['a', 'b'.repeat(300)].map((data) => `${encodeChunkHeader(data.length)}${data}${CRLF}`).join('');
  const last = encodeLastChunk(fieldsOf(['X-Sum', '1'], ['Content-Length', '5'], ['Host', 'b.test'], ['Trailer', 'x']));
  assert.equal(last, '0\r\nX-Sum: 1\r\n\r\n');
  const head = request({ method: 'POST', framing: { type: 'chunked' } });
  const log = requestLog([Buffer.from(head + body + last, 'latin1')]);
  assert.deepEqual(log.slice(1), [`data a${'b'.repeat(300)}`, 'end [["X-Sum","1"]]']);
  assert.equal(encodeLastChunk(null), '0\r\n\r\n');
});

test('heads are read back as they were written', () => {
  const pairs = [['X-A', 'caf\xe9 \t x'], ['Set-Cookie', 'a=b'], ['Set-Cookie', 'c=d'], ['etag', '"x"'], ['X-Empty', '']] as const;
  const fields = fieldsOf(...pairs);
  const [head] = responseLog([Buffer.from(response({ fields, framing: { type: 'length', bytes: 0 } }), 'latin1')], ['GET']);
  assert.ok(head?.includes(JSON.stringify([...pairs, ['Content-Length', '0']])));
  const [sent] = requestLog([Buffer.from(request({ method: 'PATCH', target: '/a?b=%20', fields }), 'latin1')]);
  assert.ok(sent?.includes('"method":"PATCH","target":"/a?b=%20","authority":"a.test"'));
});

test('shared fields follow the request\'s own, and their text is made once', () => {
  const sharedFields = fieldsOf(['X-Real-IP', '192.0.2.1']);
  const first = request({ fields: fieldsOf(['Accept', '*/*']), sharedFields });
  assert.equal(first, 'GET / HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\nX-Real-IP: 192.0.2.1\r\n\r\n');
  assert.equal(request({ fields: fieldsOf(['Accept', '*/*']), sharedFields }), first);
  assert.throws(() => request({ sharedFields: fieldsOf(['X-Real-IP', 'a\r\nb: c']) }), EncodeFault);
});
