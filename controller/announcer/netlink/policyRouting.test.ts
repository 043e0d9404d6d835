import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { addNamespace, removeNamespace, type CommandResult, type Namespace } from '../../../test/netns/namespace.ts';
import { lacks, lacksRoot } from '../../../test/support/requirement.ts';

const options = { skip: lacksRoot() || lacks('ip'), timeout: 60_000 };
const FIXTURE = new URL('fixture/steerMarkedPackets.ts', import.meta.url).pathname;

/** As `ip -N` prints it. */
const RTN_LOCAL = '2';

let count = 0;

async function makeNamespace(t: TestContext): Promise<Namespace> {
  count += 1;
  const namespace = await addNamespace(`gwp${process.pid}-${count}`);
  t.after(() => removeNamespace(namespace));
  await namespace.exec('ip', ['link', 'set', 'lo', 'up']);
  return namespace;
}

function steer(namespace: Namespace, ...words: readonly string[]): Promise<CommandResult> {
  return namespace.run(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, ...words]);
}

async function steerWell(namespace: Namespace, ...words: readonly string[]): Promise<void> {
  const { code, stderr } = await steer(namespace, ...words);
  assert.equal(`${stderr}${code}`, '0');
}

/** Rules and routes of both families, as ip prints them, without those of the kernel. */
async function list(namespace: Namespace): Promise<{ readonly rules: readonly unknown[]; readonly routes: readonly unknown[] }> {
  const rules: unknown[] = [];
  const routes: unknown[] = [];
  for (const family of ['-4', '-6']) {
    for (const { priority, fwmark, fwmask, table } of await json(namespace, [family, '-j', '-N', 'rule'])) {
      if (![0, 32_766, 32_767].includes(priority as number)) rules.push([family, priority, fwmark, fwmask, table]);
    }
    for (const { type, dst, dev, table, protocol } of await json(namespace, [family, '-j', '-N', 'route', 'show', 'table', 'all'])) {
      if (protocol !== '2') routes.push([family, type === RTN_LOCAL ? 'local' : type, dst, dev, table]);
    }
  }
  return { rules, routes };
}

async function json(namespace: Namespace, args: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return JSON.parse(await namespace.exec('ip', args)) as readonly Readonly<Record<string, unknown>>[];
}

test('marked packets are led to this machine, in both families, however often it is asked for', options, async (t) => {
  const namespace = await makeNamespace(t);
  await steerWell(namespace, 'ensure', '0x4000', '4711', 'ensure', '0x4000', '4711');
  assert.deepEqual(await list(namespace), {
    rules: [['-4', 90, '0x4000', '0x4000', '4711'], ['-6', 90, '0x4000', '0x4000', '4711']],
    routes: [['-4', 'local', 'default', 'lo', '4711'], ['-6', 'local', 'default', 'lo', '4711']],
  });
  for (const address of ['203.0.113.5', '2001:db8:5::5']) {
    assert.match(await namespace.exec('ip', ['route', 'get', address, 'mark', '0x4000']), /^local .* table 4711/);
    assert.notEqual((await namespace.run('ip', ['route', 'get', address])).code, 0);
  }
});

test('what others take away comes back, alone or together', options, async (t) => {
  const namespace = await makeNamespace(t);
  await steerWell(namespace, 'ensure', '1', '100');
  const whole = await list(namespace);
  for (const command of ['-4 rule del pref 90', '-6 rule del pref 90', '-4 route flush table 100', '-6 route flush table 100']) {
    await namespace.exec('ip', command.split(' '));
    await steerWell(namespace, 'ensure', '1', '100');
    assert.deepEqual(await list(namespace), whole, command);
  }
});

test('other mark and table take the place of what an earlier run has left', options, async (t) => {
  const namespace = await makeNamespace(t);
  await steerWell(namespace, 'ensure', '1', '100');
  await steerWell(namespace, 'ensure', '0x80000000', '4294967200');
  assert.deepEqual(await list(namespace), {
    rules: [['-4', 90, '0x80000000', '0x80000000', '4294967200'], ['-6', 90, '0x80000000', '0x80000000', '4294967200']],
    routes: [['-4', 'local', 'default', 'lo', '4294967200'], ['-6', 'local', 'default', 'lo', '4294967200']],
  });
});

test('removal takes what was made and nothing else, also when only half of it is there', options, async (t) => {
  const namespace = await makeNamespace(t);
  for (const family of ['-4', '-6']) {
    await namespace.exec('ip', [family, 'rule', 'add', 'pref', '90', 'fwmark', '1/1', 'lookup', '200']);
    await namespace.exec('ip', [family, 'rule', 'add', 'pref', '91', 'fwmark', '1/1', 'lookup', '100']);
    await namespace.exec('ip', [family, 'route', 'add', 'local', family === '-4' ? '198.51.100.0/24' : '2001:db8:9::/64', 'dev', 'lo', 'table', '100']);
  }
  const before = await list(namespace);
  await steerWell(namespace, 'ensure', '1', '100');
  assert.equal((await list(namespace)).routes.length, before.routes.length + 2);
  await namespace.exec('ip', ['rule', 'del', 'pref', '90', 'lookup', '100']);
  await steerWell(namespace, 'remove', 'remove');
  assert.deepEqual(await list(namespace), before);
});

test('a rule that comes first, or a table in use, is told', options, async (t) => {
  const namespace = await makeNamespace(t);
  await namespace.exec('ip', ['rule', 'add', 'pref', '10', 'fwmark', '1/1', 'prohibit']);
  const { code, stderr } = await steer(namespace, 'ensure', '1', '100');
  assert.notEqual(code, 0);
  assert.match(stderr, /cannot look up the route of IPv4 packets with mark 0x1: EACCES|another rule or route on this node comes first/);
  await namespace.exec('ip', ['rule', 'del', 'pref', '10']);
  await steerWell(namespace, 'remove');
  await namespace.exec('ip', ['route', 'add', 'blackhole', 'default', 'table', '100']);
  assert.match((await steer(namespace, 'ensure', '1', '100')).stderr, /mark 0x1/);
});

test('a node without IPv6 is served by IPv4, and says so', options, async (t) => {
  const namespace = await makeNamespace(t);
  await namespace.exec('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
  const { code, stderr } = await steer(namespace, 'ensure', '1', '100', 'ensure', '1', '100', 'remove');
  assert.equal(code, 0);
  assert.equal(stderr.match(/this node has no IPv6/g)?.length, 1);
});

test('a network that is not ready is told', options, async (t) => {
  const namespace = await makeNamespace(t);
  await namespace.exec('ip', ['link', 'set', 'lo', 'down']);
  assert.match((await steer(namespace, 'ensure', '1', '100')).stderr, /cannot add the IPv[46] route to this machine in table 100: ENETDOWN/);
});
