import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { addNamespace, removeNamespace, type Namespace } from '../../../../test/netns/namespace.ts';
import { lacks, lacksRoot } from '../../../../test/support/requirement.ts';

const skip = lacksRoot() || lacks('ip');
const PROGRAM = fileURLToPath(new URL('testing/unnumberedPeer.ts', import.meta.url));
let pairs = 0;

/** Two namespaces and a cable between their `eth0`, without any address but the link-local ones. */
async function cable(t: TestContext): Promise<readonly [Namespace, Namespace]> {
  pairs += 1;
  const made: Namespace[] = [];
  t.after(async () => { for (const namespace of made) await removeNamespace(namespace); });
  const add = async (name: string): Promise<Namespace> => {
    const namespace = await addNamespace(`gh${process.pid}-bgp${pairs}-${name}`);
    made.push(namespace);
    await namespace.exec('sysctl', ['-qw', 'net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.default.dad_transmits=0']);
    return namespace;
  };
  const near = await add('near');
  const far = await add('far');
  await near.exec('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far.name]);
  for (const namespace of made) await namespace.exec('ip', ['link', 'set', 'eth0', 'up']);
  return [near, far];
}

interface Side {
  /** Resolves with the next line that fits. */
  says(pattern: RegExp): Promise<string>;
}

function start(namespace: Namespace, ...args: readonly string[]): Side {
  const child: ChildProcess = namespace.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, ...args]);
  child.stderr?.pipe(process.stderr);
  assert.ok(child.stdout);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    says: async (pattern) => {
      for (let line = await lines.next(); line.done !== true; line = await lines.next()) if (pattern.test(line.value)) return line.value;
      throw new Error(`the program has ended without saying ${pattern.source}`);
    },
  };
}

test('two speakers on one link find each other by router advertisements and connect, signed, within the hop limit', { skip }, async (t) => {
  const [near, far] = await cable(t);
  const passive = start(far, 'passive', 'correct horse');
  const active = start(near, 'active', 'correct horse');
  assert.match(await active.says(/^connected/), /^connected fe80::\S+ fe80::\S+$/);
  await Promise.all([active.says(/^heard hello from passive/), passive.says(/^heard hello from active/)]);
});

test('a wrong password, and an interface that is not there, are told', { skip }, async (t) => {
  const [near, far] = await cable(t);
  start(far, 'passive', 'correct horse');
  const active = start(near, 'active', 'another');
  const silent = active.says(/^closed fe80::\S+%eth0 port 179 does not answer/);
  assert.match(await silent, /a password that is not the same on both sides looks like this; packets with a TTL below 255 are dropped/);
  await near.exec('ip', ['link', 'del', 'eth0']);
  await active.says(/^closed there is no interface eth0/);
});
