import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { makeLeaf } from '../../test/support/certificates.ts';
import { rereading, rereadingTls } from './octetSource.ts';

test('an accepted socket is read, paused and ended as any other, and its server counts it until it closes', async (t) => {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => client.destroy());
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const socket = rereading(accepted);
  assert.notEqual(socket, accepted, 'this Node keeps its handle where it is looked for');
  client.write('one');
  const [first] = (await once(socket, 'data')) as [Buffer];
  client.end('two');
  const [second] = (await once(socket, 'data')) as [Buffer];
  assert.deepEqual([first.toString(), second.toString()], ['one', 'two'], 'the second read left the first alone');
  await once(socket, 'end');
  const closed = once(socket, 'close');
  socket.end();
  client.resume();
  await closed;
  const count = await new Promise((resolve) => server.getConnections((_error, connections) => resolve(connections)));
  assert.equal(count, 0);
});

test('a socket whose handle is kept elsewhere is used as it is', () => {
  const socket = new Socket();
  assert.equal(rereading(socket), socket);
  socket.destroy();
});

test('a TLS socket is read in place, paused and ended as any other, each piece in memory of its own', async (t) => {
  const { certificatePem, privateKeyPem } = makeLeaf(null, 'reading.test');
  const server = createTlsServer({ cert: certificatePem, key: privateKeyPem, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const client = connectTls({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false });
  t.after(() => client.destroy());
  const [accepted] = (await once(server, 'secureConnection')) as [TLSSocket];
  const pieces: Buffer[] = [];
  const socket = rereadingTls(accepted).on('data', (piece: Buffer) => pieces.push(piece));
  const own = Object.getOwnPropertySymbols(socket).find((symbol) => symbol.description === 'kBuffer');
  assert.ok(own !== undefined && Reflect.get(socket, own) !== null, 'this Node keeps its fields where they are looked for');
  client.write('one');
  await once(socket, 'data');
  socket.pause();
  client.write('two');
  socket.resume();
  await once(socket, 'data');
  client.end();
  await once(socket, 'end');
  assert.deepEqual(pieces.map(String), ['one', 'two'], 'the second read left the first alone');
  const closed = once(socket, 'close');
  socket.end();
  await closed;
});

test('a TLS socket that Node keeps otherwise is used as it is', () => {
  const socket = new Socket();
  assert.equal(rereadingTls(socket), socket);
  socket.destroy();
});
