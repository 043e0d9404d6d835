import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { SystemError } from '../../core/os/systemError.ts';
import { lacksRoot } from '../../test/support/requirement.ts';
import { request, startFreshConnections } from './fixture/freshConnections.ts';
import { readDescriptors, readUser } from './fixture/processFacts.ts';
import { createProxy, hostsDelta, startProxy, type RunningProxy } from './fixture/runningProxy.ts';
import { UNPRIVILEGED_ID } from './processUser.ts';
import type { ListenerAddress } from '../../core/ipc/messages.ts';
import type { ListenerOutcome } from './proxyListeners.ts';

const ANY: ListenerAddress = { protocol: 'tcp', address: '127.77.0.1', port: 0 };

function portOf(outcome: ListenerOutcome | undefined): number {
  assert.ok(outcome?.type === 'open', outcome?.type === 'failed' ? outcome.error.message : 'no outcome');
  return outcome.port;
}

function errorOf(outcome: ListenerOutcome | undefined): Error {
  assert.ok(outcome?.type === 'failed');
  return outcome.error;
}

/** Sets listeners of which each must open; answers their ports. */
async function setPorts({ proxy }: Pick<RunningProxy, 'proxy'>, wanted: readonly ListenerAddress[]): Promise<readonly number[]> {
  return (await proxy.setListeners(wanted)).map(portOf);
}

async function killProxy({ proxy, told }: RunningProxy): Promise<void> {
  const serving = once(told, 'serving');
  process.kill(proxy.pid ?? 0, 'SIGKILL');
  await serving;
}

/** A client of a UDP listener: sends one datagram, awaits one. */
async function ask(t: TestContext, address: string, port: number, text: string): Promise<string> {
  const client = createSocket('udp4');
  t.after(() => client.close());
  client.connect(port, address);
  await once(client, 'connect');
  client.send(text);
  const [answer] = await once(client, 'message');
  return String(answer);
}

async function holdPort(t: TestContext, address: string): Promise<{ readonly port: number; release(): Promise<void> }> {
  const server = createServer().listen({ port: 0, host: address });
  await once(server, 'listening');
  const release = async (): Promise<void> => { if (server.listening) await once(server.close(), 'close'); };
  t.after(release);
  const bound = server.address();
  return { port: typeof bound === 'object' && bound !== null ? bound.port : 0, release };
}

test('listeners come and go under load, and a listener that stays refuses nobody', async (t) => {
  const running = await startProxy(t);
  const [kept = 0] = await setPorts(running, [ANY]);
  const loads = [startFreshConnections(running.port, 2), startFreshConnections(kept, 2, ANY.address)];
  for (let round = 0; round < 20; round += 1) {
    const wanted = Array.from({ length: 10 }, (_, index) => ({ ...ANY, address: `127.77.1.${1 + round * 10 + index}` }));
    const ports = await setPorts(running, [{ ...ANY, port: kept }, ...wanted]);
    assert.equal(ports[0], kept);
    for (const [index, { address }] of wanted.entries()) {
      assert.equal((await request(ports[index + 1] ?? 0, '/', address)).outcome, 'answered');
    }
  }
  const counts = await Promise.all(loads.map((load) => load.stop()));
  for (const { answered, refused, reset, silent } of counts) {
    t.diagnostic(`answered ${answered}, refused ${refused}, reset ${reset}, silent ${silent}`);
    assert.ok(answered > 0);
    assert.equal(refused + reset + silent, 0);
  }
  assert.deepEqual(running.exits, []);
});

test('a removed listener refuses new connections at once, and what was accepted there is answered', async (t) => {
  const running = await startProxy(t, { workers: 1 });
  const [port = 0] = await setPorts(running, [ANY]);
  const slow = request(port, '/slow', ANY.address);
  // One worker takes connections in order: this answer says that the other connection has been accepted.
  await request(port, '/', ANY.address);
  assert.deepEqual(await running.proxy.setListeners([]), []);
  assert.equal((await request(port, '/', ANY.address)).outcome, 'refused');
  assert.equal((await slow).outcome, 'answered');
  assert.deepEqual(await setPorts(running, [{ ...ANY, port }]), [port]);
  assert.equal((await request(port, '/', ANY.address)).outcome, 'answered');
});

test('a proxy killed with -9 three times refuses nobody at a listener that was added later', async (t) => {
  const running = await startProxy(t);
  const [port = 0] = await setPorts(running, [ANY]);
  const load = startFreshConnections(port, 8, ANY.address);
  for (let kills = 0; kills < 3; kills += 1) {
    for (let count = 0; count < 50; count += 1) await request(port, '/', ANY.address);
    await killProxy(running);
  }
  const { answered, refused, reset, silent } = await load.stop();
  t.diagnostic(`answered ${answered}, refused ${refused}, reset ${reset}, silent ${silent}`);
  assert.ok(answered > 0);
  assert.equal(refused + silent, 0);
  assert.ok(reset <= 3 * 8, `${reset} resets`);
});

test('what is set before the start, while the proxy is away and while it starts is all served', async (t) => {
  const created = createProxy(t);
  const [early = 0] = await setPorts(created, [ANY]);
  const waiting = request(early, '/', ANY.address);
  await created.proxy.start();
  const second = { ...ANY, address: '127.77.0.2' };
  const [, starting = 0] = await setPorts(created, [ANY, second]);
  const serving = once(created.told, 'serving');
  created.proxy.apply(hostsDelta(1, ['first.test']));
  await serving;
  assert.equal((await waiting).outcome, 'answered');
  assert.equal((await request(starting, '/', second.address)).outcome, 'answered');
  const exited = once(created.told, 'exited');
  const back = once(created.told, 'serving');
  process.kill(created.proxy.pid ?? 0, 'SIGKILL');
  await exited;
  const third = { ...ANY, address: '127.77.0.3' };
  const [away = 0] = await setPorts(created, [third]);
  await back;
  assert.equal((await request(away, '/', third.address)).outcome, 'answered');
  assert.equal((await request(early, '/', ANY.address)).outcome, 'refused');
});

test('a proxy that dies in the middle of a hundred changes serves what was wanted last', async (t) => {
  const running = await startProxy(t);
  const changes: Promise<readonly ListenerOutcome[]>[] = [];
  for (let round = 0; round < 100; round += 1) {
    if (round % 25 === 10 && running.proxy.pid !== null) process.kill(running.proxy.pid, 'SIGKILL');
    changes.push(running.proxy.setListeners([{ ...ANY, address: `127.77.2.${1 + round}` }, { ...ANY, address: '127.77.3.1' }]));
    if (round % 5 === 0) await changes.at(-1);
  }
  const [last = 0, kept = 0] = (await changes.at(-1) ?? []).map(portOf);
  assert.deepEqual(new Set((await Promise.all(changes)).map((outcomes) => portOf(outcomes[1]))), new Set([kept]));
  assert.equal((await request(last, '/', '127.77.2.100')).outcome, 'answered');
  assert.equal((await request(kept, '/', '127.77.3.1')).outcome, 'answered');
  assert.deepEqual(running.proxy.listeners.slice(1).map(({ address }) => address), ['127.77.3.1', '127.77.2.100']);
});

test('an address that cannot be had is reported with the reason, costs the others nothing and is tried again', async (t) => {
  const running = await startProxy(t);
  const stranger = await holdPort(t, '127.77.0.9');
  const wanted: readonly ListenerAddress[] = [
    { protocol: 'tcp', address: '192.0.2.1', port: 5432 },
    { protocol: 'tcp', address: '127.77.0.9', port: stranger.port },
    { protocol: 'tcp', address: 'db.test', port: 5432 },
    ANY,
  ];
  const [absent, taken, nonsense, open] = await running.proxy.setListeners(wanted);
  const absence = errorOf(absent);
  assert.ok(absence instanceof SystemError && absence.code === 'EADDRNOTAVAIL');
  assert.match(absence.message, /192\.0\.2\.1:5432: EADDRNOTAVAIL; no interface/);
  assert.match(errorOf(taken).message, /EADDRINUSE; another process/);
  assert.ok(errorOf(nonsense) instanceof TypeError);
  const port = portOf(open);
  assert.equal((await request(port, '/', ANY.address)).outcome, 'answered');
  await stranger.release();
  const [, free] = await running.proxy.setListeners(wanted);
  assert.equal(portOf(free), stranger.port);
  assert.equal((await request(stranger.port, '/', '127.77.0.9')).outcome, 'answered');
});

test('a port belongs to one protocol: the first that asks, a fixed listener before all, and who comes after it when it goes', async (t) => {
  const running = await startProxy(t);
  const fixed: ListenerAddress = { protocol: 'http', address: '127.0.0.1', port: running.port };
  const [port = 0] = await setPorts(running, [ANY]);
  const taken = { ...ANY, port };
  const [same, other, again, own, foreign] = await running.proxy.setListeners([
    taken, { ...taken, protocol: 'https' }, { ...taken }, fixed, { ...fixed, protocol: 'tcp' },
  ]);
  assert.deepEqual([portOf(same), portOf(again), portOf(own)], [port, port, running.port]);
  assert.match(errorOf(other).message, /for https beside another listener of Gatehouse: EADDRINUSE/);
  assert.match(errorOf(foreign).message, /EADDRINUSE/);
  assert.deepEqual(await setPorts(running, [{ ...taken, protocol: 'https' }]), [port]);
  assert.deepEqual(running.proxy.listeners, [fixed, { ...taken, protocol: 'https' }]);
  assert.equal((await request(running.port)).outcome, 'answered');
});

test('an address may stand beside a wildcard of ours, in either order', async (t) => {
  const running = await startProxy(t, { listeners: [{ protocol: 'http', address: '0.0.0.0', port: 0 }] });
  assert.deepEqual(await setPorts(running, [{ ...ANY, port: running.port }]), [running.port]);
  const [port = 0] = await setPorts(running, [ANY]);
  assert.deepEqual(await setPorts(running, [{ ...ANY, port }, { ...ANY, address: '0.0.0.0', port }]), [port, port]);
  assert.equal((await request(port, '/', ANY.address)).outcome, 'answered');
  assert.equal((await request(port, '/', '127.0.0.1')).outcome, 'answered');
});

test('datagrams are answered, wait while no proxy runs, and a neighbour reads those of a dead worker', async (t) => {
  const running = await startProxy(t, { workers: 2 });
  const udp: ListenerAddress = { ...ANY, protocol: 'udp' };
  const [port = 0] = await setPorts(running, [udp]);
  assert.match(await ask(t, udp.address, port, 'one'), /^udp [01] \d+ one$/);
  const exited = once(running.told, 'exited');
  const serving = once(running.told, 'serving');
  process.kill(running.proxy.pid ?? 0, 'SIGKILL');
  await exited;
  const [answer] = await Promise.all([ask(t, udp.address, port, 'two'), serving]);
  assert.match(answer, new RegExp(`^udp [01] ${running.proxy.pid} two$`));
  await request(running.port, '/throw');
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(t, udp.address, port, `three ${index}`)));
  assert.ok(answers.every((text, index) => text.endsWith(` three ${index}`)));
});

test('UDP and TCP listen on the same port, and a second UDP socket of anybody is refused', async (t) => {
  const running = await startProxy(t);
  const [port = 0] = await setPorts(running, [ANY]);
  const both: readonly ListenerAddress[] = [{ ...ANY, port }, { ...ANY, protocol: 'udp', port }];
  assert.deepEqual(await setPorts(running, both), [port, port]);
  assert.match(await ask(t, ANY.address, port, 'x'), /^udp/);
  const other = await startProxy(t);
  assert.match(errorOf((await other.proxy.setListeners(both.slice(1)))[0]).message, /EADDRINUSE/);
});

test('while a worker is away its neighbour accepts on listeners that come and refuses on those that go', async (t) => {
  const running = await startProxy(t);
  const [going = 0] = await setPorts(running, [ANY]);
  // Each death of a worker finds the other one adopting while listeners change.
  for (let round = 0; round < 5; round += 1) {
    await request(running.port, '/throw');
    const added = { ...ANY, address: `127.77.4.${1 + round}` };
    const [port = 0] = await setPorts(running, [added]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => request(port, '/', added.address)));
    assert.deepEqual(answers.filter(({ outcome }) => outcome !== 'answered'), []);
    assert.equal((await request(going, '/', ANY.address)).outcome, 'refused');
  }
});

test('a thousand listeners that came and went leave no descriptor behind, neither here nor in the proxy', async (t) => {
  const running = await startProxy(t);
  const pid = running.proxy.pid ?? 0;
  const churn = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 100) {
      const protocols = ['tcp', 'udp', 'http', 'https'] as const;
      const wanted = Array.from({ length: 100 }, (_, index) =>
        ({ ...ANY, protocol: protocols[index % 4] ?? 'tcp', address: `127.77.5.${1 + index}` }));
      await setPorts(running, wanted);
      await running.proxy.setListeners([]);
    }
    await running.proxy.collect(false);
  };
  await churn(100);
  const before = { own: readDescriptors('self').size, theirs: readDescriptors(pid).size };
  await churn(1_000);
  assert.deepEqual({ own: readDescriptors('self').size, theirs: readDescriptors(pid).size }, before);
  assert.equal((await request(running.port)).outcome, 'answered');
});

test('a port below 1024 is opened for a proxy that has no rights', { skip: lacksRoot() }, async (t) => {
  const running = await startProxy(t);
  const [port = 0] = await setPorts(running, [{ ...ANY, address: '127.77.6.1', port: 853 }]);
  assert.deepEqual(readUser(running.proxy.pid ?? 0), { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID });
  assert.equal((await request(port, '/', '127.77.6.1')).outcome, 'answered');
});

test('listeners beyond half of the descriptors fail with words that help, before anything runs out', async (t) => {
  const running = await startProxy(t, {}, { descriptorLimit: 24 });
  const wanted = Array.from({ length: 4 }, (_, index) => ({ ...ANY, address: `127.77.7.${1 + index}` }));
  const outcomes = await running.proxy.setListeners(wanted);
  assert.deepEqual(outcomes.map(({ type }) => type), ['open', 'open', 'failed', 'failed']);
  const error = errorOf(outcomes[2]);
  assert.ok(error instanceof SystemError && error.code === 'EMFILE');
  assert.match(error.message, /beside 3 listeners, which take half of 24 descriptors: EMFILE; .*raise it \(ulimit -n, LimitNOFILE\)/);
});

test('a drained proxy opens nothing any more', async (t) => {
  const running = await startProxy(t);
  await setPorts(running, [ANY]);
  const late = running.proxy.setListeners([ANY, { ...ANY, address: '127.77.0.2' }]);
  const drained = running.proxy.drain(0);
  assert.match(errorOf((await late)[0]).message, /drained/);
  await drained;
  assert.deepEqual(running.proxy.listeners, []);
  assert.match(errorOf((await running.proxy.setListeners([ANY]))[0]).message, /drained/);
});

test('all proxies of one controller get the same ticket secret, and two controllers different ones', async (t) => {
  const read = async ({ proxy }: RunningProxy): Promise<string> => {
    const asked = { method: 'GET', scheme: 'http', authority: 'ticket.test', target: '/', headers: [], clientAddress: '127.0.0.1' } as const;
    return (await proxy.explain(asked)).steps[0]?.text ?? '';
  };
  const running = await startProxy(t);
  const before = await read(running);
  assert.match(before, /^[0-9a-f]{64}$/);
  await killProxy(running);
  assert.equal(await read(running), before);
  assert.notEqual(await read(await startProxy(t)), before);
  const ticketSecret = Buffer.alloc(32, 7);
  assert.equal(await read(await startProxy(t, { ticketSecret })), await read(await startProxy(t, { ticketSecret })));
});
