import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { certificateFrom, makeLeaf } from '../test/support/certificates.ts';
import { assertNothingOpen } from './testing/nothingOpen.ts';
import { answering, response, startRawBackend } from './testing/rawBackend.ts';
import { RawPeer } from './testing/rawPeer.ts';
import { startEngine } from './testing/startEngine.ts';

after(assertNothingOpen);

const second = certificateFrom(makeLeaf(null, 'second-example.org'), 'second');
const wildcard = certificateFrom(makeLeaf(null, '*.wildcard.org'), 'wildcard');
const fourth = certificateFrom(makeLeaf(null, 'fourth-example.wildcard.org'), 'fourth');
const certificates = { 'second-example.org': second, '*.wildcard.org': wildcard, 'fourth-example.wildcard.org': fourth, 'twin.org': second };

/** server name (empty: none), Host → status. The pairs of Gateway API's conformance for misdirected requests, and ours. */
const pairs: readonly (readonly [string, string, number])[] = [
  ['second-example.org', 'second-example.org', 200],
  ['second-example.org', 'SECOND-example.org:443', 200],
  ['second-example.org', 'second-example.org.', 200],
  ['SECOND-example.org', 'second-example.org', 200],
  ['second-example.org', 'unknown-example.org', 421],
  ['second-example.org', 'third-example.wildcard.org', 421],
  ['third-example.wildcard.org', 'third-example.wildcard.org', 200],
  ['third-example.wildcard.org', 'fifth-example.wildcard.org', 200],
  ['third-example.wildcard.org', 'fourth-example.wildcard.org', 421],
  ['third-example.wildcard.org', 'second-example.org', 421],
  ['third-example.wildcard.org', 'unknown-example.org', 421],
  ['fourth-example.wildcard.org', 'fourth-example.wildcard.org', 200],
  ['fourth-example.wildcard.org', 'fifth-example.wildcard.org', 421],
  ['unknown-example.org', 'second-example.org', 421],
  ['unknown-example.org', 'third-example.wildcard.org', 421],
  ['unknown-example.org', 'unknown-example.org', 200],
  ['unknown-example.org', 'other-unknown-example.org', 200],
  ['second-example.org', 'twin.org', 200],
  ['second-example.org', '192.0.2.1', 421],
  ['second-example.org', '[2001:db8::1]', 421],
  ['', 'second-example.org', 200],
  ['', 'unknown-example.org', 200],
  ['', '192.0.2.1', 200],
];

for (const [servername, host, status] of pairs) {
  test(`a request for ${host} on a connection for ${servername === '' ? 'no server name' : servername} is answered ${status}`, async (t) => {
    const backend = await startRawBackend(answering(() => response('served')));
    t.after(() => backend.close());
    const engine = await startEngine(t, {
      clusters: { web: [backend.port] },
      certificate: certificateFrom(makeLeaf(null, 'default.test'), 'default'),
      certificates,
      routes: [{ host: '*' }],
    });
    const socket = connect({ port: engine.tlsPort, host: '127.0.0.1', servername, rejectUnauthorized: false });
    t.after(() => socket.destroy());
    await once(socket, 'secureConnect');
    const peer = new RawPeer(socket);
    for (let round = 0; round < 2; round += 1) {
      peer.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assert.equal((await peer.message()).startLine.split(' ')[1], String(status));
    }
  });
}
