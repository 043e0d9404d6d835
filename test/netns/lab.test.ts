import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { BACKEND_PORT, startBackends } from './backends.ts';
import { lacksLab, startLab } from './lab.ts';
import { lanAddress } from './labAddresses.ts';
import { runCommand } from './namespace.ts';
import { forgetNeighbour, neighbour, repliers } from './neighbours.ts';
import { monotonicMs, startProbe } from './probe.ts';
import { sniff } from './sniffer.ts';

const skip = lacksLab();
const VIP = lanAddress(200);

test('every host of the lab reaches every other in both families, and endpoints are reached from nodes alone', { skip }, async (t) => {
  const lab = await startLab(t);
  for (const from of [lab.client, lab.far, lab.router, lab.node(1), lab.node(3)]) {
    for (const address of [lab.node(1), lab.node(2), lab.client, lab.far].flatMap((host) => Object.values(host.addresses))) {
      assert.equal((await from.run('ping', ['-c', '1', '-W', '2', address])).code, 0, `${from.name} to ${address}`);
    }
  }
  for (const address of Object.values(lab.node(2).podAddresses[0] ?? {})) {
    assert.equal((await lab.node(1).run('ping', ['-c', '1', '-W', '2', address])).code, 0);
    assert.equal((await lab.node(3).pods.run('ping', ['-c', '1', '-W', '2', address])).code, 0);
    assert.notEqual((await lab.client.run('ping', ['-c', '1', '-W', '0.2', address])).code, 0);
  }
});

test('an address on a node\'s interface is answered by that node alone, and a probe measures how long it was away', { skip }, async (t) => {
  const lab = await startLab(t);
  const [from, to] = [lab.node(1), lab.node(2)];
  for (const address of Object.values(VIP)) {
    const own = `${address}/${address.includes(':') ? 128 : 32}`;
    await from.exec('ip', ['address', 'add', own, 'dev', 'eth0']);
    assert.deepEqual(await repliers(lab.client, address), [from.mac]);
    await lab.cut(1);
    await to.exec('ip', ['address', 'add', own, 'dev', 'eth0']);
    await forgetNeighbour(lab.client, address);
    assert.deepEqual(await repliers(lab.client, address), [to.mac]);
    assert.equal((await lab.client.run('ping', ['-c', '1', '-W', '2', address])).code, 0);
    assert.equal(await neighbour(lab.client, address), to.mac);
    await lab.restore(1);
    assert.deepEqual(await repliers(lab.client, address), [from.mac, to.mac].toSorted());
  }
});

test('a partition separates nodes from each other only, silence separates one from everybody, and healing ends both', { skip }, async (t) => {
  const lab = await startLab(t);
  const reaches = async (from: number, to: number) => {
    await forgetNeighbour(lab.node(from), lab.node(to).addresses.ipv4);
    return (await lab.node(from).run('ping', ['-c', '1', '-W', '0.3', lab.node(to).addresses.ipv4])).code === 0;
  };
  await lab.partition([[1], [2, 3]]);
  assert.deepEqual([await reaches(1, 2), await reaches(3, 1), await reaches(2, 3)], [false, false, true]);
  assert.deepEqual(await repliers(lab.client, lab.node(1).addresses.ipv4), [lab.node(1).mac]);
  await lab.heal();
  assert.equal(await reaches(1, 2), true);
  await lab.silence(1);
  assert.deepEqual(await repliers(lab.client, lab.node(1).addresses.ipv4), []);
  const [link] = JSON.parse(await lab.node(1).exec('ip', ['-json', 'link', 'show', 'dev', 'eth0'])) as readonly { readonly operstate: string }[];
  assert.equal(link?.operstate, 'UP');
  await lab.heal();
  assert.deepEqual(await repliers(lab.client, lab.node(1).addresses.ipv4), [lab.node(1).mac]);
});

for (const mode of ['connections', 'cold', 'datagrams', 'kept'] as const) {
  test(`a probe by ${mode} sees who answers, and for how long nobody does`, { skip }, async (t) => {
    const lab = await startLab(t, { nodes: 2 });
    await startBackends(t, lab.nodes);
    // A plain rule in the place of Gatehouse.
    const port = mode === 'datagrams' ? BACKEND_PORT.udp : BACKEND_PORT.tcp;
    const protocol = mode === 'datagrams' ? 'udp' : 'tcp';
    const pod = lab.node(1).podAddresses[0];
    await lab.node(1).exec('ip', ['address', 'add', `${VIP.ipv4}/32`, 'dev', 'eth0']);
    const rule = `table ip t { chain c { type nat hook prerouting priority dstnat; ip daddr ${VIP.ipv4} ${protocol} dport ${port} dnat to ${pod?.ipv4}; }; }`;
    await lab.node(1).exec('nft', ['-f', '-'], rule);
    const probe = await startProbe(t, lab.client, { mode, address: VIP.ipv4, port });
    await probe.answered(0, 20);
    const [name, client = ''] = probe.attempts.at(-1)?.answer?.split(' ') ?? [];
    assert.equal(name, 'node-1/1');
    // One that forgets its neighbour asks from an address of its own each time.
    assert.ok(mode === 'cold' ? client.startsWith('10.77.0.') : client === lab.client.addresses.ipv4, client);
    const cutMs = monotonicMs();
    await lab.silence(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await lab.heal();
    const healedMs = monotonicMs();
    await probe.answered(healedMs, 20);
    const outageMs = probe.outageMs(cutMs);
    t.diagnostic(`silent for ${Math.round(healedMs - cutMs)} ms, outage ${Math.round(outageMs)} ms`);
    assert.ok(outageMs >= 250, `${outageMs}`);
    await probe.stop();
  });
}

test('a sniffer sees every frame from its start on, and at a port of the switch only those of its host', { skip }, async (t) => {
  const lab = await startLab(t, { nodes: 2 });
  const sniffer = await sniff(t, lab.switch, 'arp', { link: 'node1', direction: 'in' });
  await repliers(lab.client, lab.node(1).addresses.ipv4);
  await repliers(lab.client, lab.node(2).addresses.ipv4);
  const lines = await sniffer.stop();
  assert.ok(lines.length > 0);
  for (const line of lines) assert.match(line, new RegExp(`^[0-9.]+ ${lab.node(1).mac} > .*Reply ${lab.node(1).addresses.ipv4} is-at ${lab.node(1).mac}`));
});

test('nothing of a lab is left, not even by a process that ends in the middle', { skip }, async (t) => {
  const lab = await startLab(t, { nodes: 1 });
  const sleeper = lab.node(1).spawn('sleep', ['1000']);
  const script = `
    import { startLab } from '${import.meta.dirname}/lab.ts';
    const lab = await startLab({ after() {} }, { nodes: 1 });
    lab.node(1).spawn('sleep', ['1000']);
    console.log(lab.node(1).name);
    setInterval(() => {}, 1000);`;
  const other = lab.client.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', script]);
  const [name] = (await once(other.stdout ?? other, 'data')) as [Buffer];
  other.kill('SIGTERM');
  await once(other, 'exit');
  const { stdout } = await runCommand('ip', ['netns', 'list']);
  assert.ok(stdout.includes(lab.node(1).name));
  assert.ok(!stdout.includes(name.toString().trim()));
  assert.equal(sleeper.exitCode, null);
});
