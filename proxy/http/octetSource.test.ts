import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { rereading } from './octetSource.ts';

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
