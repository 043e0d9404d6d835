import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertNothingOpen } from '../testing/nothingOpen.ts';
import { startRawBackend } from '../testing/rawBackend.ts';
import { connectRaw } from '../testing/rawPeer.ts';
import { startL4 } from './testing/startL4.ts';

after(assertNothingOpen);

test('octets go both ways, and each side ends alone', async (context) => {
  for (const first of ['client', 'endpoint'] as const) {
    const backend = await startRawBackend();
    const l4 = await startL4(context, { clusters: { main: [backend.port] } });
    const client = await connectRaw(l4.port);
    client.send('ping');
    const peer = await backend.connection(0);
    await peer.until('ping');
    peer.send('pong');
    await client.until('pong');
    const [one, other] = first === 'client' ? [client, peer] : [peer, client];
    one.end('last words');
    await other.untilEnded();
    assert.equal(other.received.endsWith('last words'), true);
    other.send('still talking');
    await one.until('still talking');
    other.end();
    await one.untilClosed();
    const [record] = await l4.finished(1);
    assert.equal(record?.outcome, 'completed');
    assert.equal(one.wasReset || other.wasReset, false);
    assert.equal((record?.receivedBytes ?? 0) + (record?.sentBytes ?? 0), 'pingponglast wordsstill talking'.length);
    await backend.close();
  }
});

test('a reset of either side reaches the other as a reset', async (context) => {
  const backend = await startRawBackend();
  const l4 = await startL4(context, { clusters: { main: [backend.port] } });
  for (const [index, outcome] of (['clientReset', 'endpointReset'] as const).entries()) {
    const client = await connectRaw(l4.port);
    client.send('x');
    const peer = await backend.connection(index);
    await peer.until('x');
    const [one, other] = outcome === 'clientReset' ? [client, peer] : [peer, client];
    one.reset();
    await other.untilClosed();
    assert.equal(other.wasReset, true);
    assert.equal(other.ended, false);
    assert.equal((await l4.finished(index + 1))[index]?.outcome, outcome);
  }
  await backend.close();
});
