import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { addNamespace, removeNamespace, type Namespace } from '../../../test/netns/namespace.ts';
import { lacks, lacksRoot } from '../../../test/support/requirement.ts';
import type { StaleFlows } from '../kernel/kernelParts.ts';

const options = { skip: lacksRoot() || lacks('ip') || lacks('conntrack') || lacks('setpriv'), timeout: 60_000 };
const FIXTURE = new URL('fixture/flushOnce.ts', import.meta.url).pathname;

let count = 0;

async function makeNamespace(t: TestContext): Promise<Namespace> {
  count += 1;
  const namespace = await addNamespace(`gwc${process.pid}-${count}`);
  t.after(() => removeNamespace(namespace));
  return namespace;
}

/** An entry of a client's port to `destination`, answered by `responder`; both `address port`. */
interface Flow {
  readonly protocol?: 'tcp' | 'udp';
  readonly clientPort: number;
  readonly destination: string;
  readonly responder: string;
  readonly zone?: number;
}

/** One line of a file for conntrack -R. */
function insertion({ protocol = 'udp', clientPort, destination, responder, zone }: Flow): string {
  const [[vip, port], [endpoint, endpointPort]] = [destination.split(' '), responder.split(' ')];
  const client = vip?.includes(':') === true ? '2001:db8:ffff::1' : '203.0.113.1';
  return [
    `-I -p ${protocol} -t 600 -s ${client} -d ${vip} --sport ${clientPort} --dport ${port}`,
    `-r ${endpoint} -q ${client} --reply-port-src ${endpointPort} --reply-port-dst ${clientPort}`,
    ...(protocol === 'tcp' ? ['--state ESTABLISHED'] : []), ...(zone === undefined ? [] : [`-w ${zone}`]),
  ].join(' ');
}

async function insert(namespace: Namespace, flows: readonly Flow[]): Promise<void> {
  // It opens its standard input by name, which must be a pipe then.
  await namespace.exec('sh', ['-c', 'cat | conntrack -R -'], `${flows.map(insertion).join('\n')}\n`);
}

async function flush(namespace: Namespace, flows: readonly StaleFlows[], ...largeTableEntries: readonly string[]): Promise<void> {
  await namespace.exec(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, JSON.stringify(flows), ...largeTableEntries]);
}

/** Client ports of what is left, sorted. */
async function standing(namespace: Namespace): Promise<readonly number[]> {
  const text = `${await namespace.exec('conntrack', ['-L', '-f', 'ipv4'])}${await namespace.exec('conntrack', ['-L', '-f', 'ipv6'])}`;
  const ports = [...text.matchAll(/ sport=(\d+) .* sport=/g)].map((match) => Number(match[1]));
  return [...new Set(ports)].toSorted((a, b) => a - b);
}

test('only entries of the VIP port that lead elsewhere are forgotten', options, async (t) => {
  const namespace = await makeNamespace(t);
  await insert(namespace, [
    { clientPort: 1001, destination: '192.0.2.1 53', responder: '10.0.0.1 5353' },
    { clientPort: 1002, destination: '192.0.2.1 53', responder: '10.0.0.2 5353' },
    { clientPort: 1003, destination: '192.0.2.1 53', responder: '10.0.0.1 5354' },
    { clientPort: 1004, destination: '192.0.2.1 53', responder: '192.0.2.1 53' },
    { clientPort: 1005, destination: '192.0.2.1 54', responder: '10.0.0.2 5353' },
    { clientPort: 1006, destination: '192.0.2.2 53', responder: '10.0.0.2 5353' },
    { clientPort: 1007, destination: '192.0.2.1 53', responder: '10.0.0.2 5353', protocol: 'tcp' },
    { clientPort: 1008, destination: '2001:db8::1 53', responder: '2001:db8:1::2 5353' },
  ]);
  assert.deepEqual(await standing(namespace), [1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008]);
  await flush(namespace, [{ protocol: 'udp', vip: '192.0.2.1', port: 53, keep: [{ address: '10.0.0.1', port: 5353 }] }]);
  assert.deepEqual(await standing(namespace), [1001, 1005, 1006, 1007, 1008]);
});

test('IPv6 entries are forgotten by the same rule', options, async (t) => {
  const namespace = await makeNamespace(t);
  await insert(namespace, [
    { clientPort: 1001, destination: '2001:db8::1 53', responder: '2001:db8:1::1 5353' },
    { clientPort: 1002, destination: '2001:db8::1 53', responder: '2001:db8:1::2 5353' },
    { clientPort: 1003, destination: '2001:db8::2 53', responder: '2001:db8:1::2 5353' },
    { clientPort: 1004, destination: '192.0.2.1 53', responder: '10.0.0.2 5353' },
  ]);
  await flush(namespace, [{ protocol: 'udp', vip: '2001:db8::1', port: 53, keep: [{ address: '2001:db8:1::1', port: 5353 }] }]);
  assert.deepEqual(await standing(namespace), [1001, 1003, 1004]);
});

test('several VIP ports of both protocols and families go in one call', options, async (t) => {
  const namespace = await makeNamespace(t);
  const destinations = ['192.0.2.1 53', '192.0.2.2 80', '2001:db8::1 53', '2001:db8::2 80', '192.0.2.3 80'];
  await insert(namespace, destinations.flatMap((destination, index) => (['tcp', 'udp'] as const).map((protocol, second) => (
    { clientPort: 1000 + 10 * index + second, destination, responder: destination.includes(':') ? '2001:db8:1::1 1' : '10.0.0.1 1', protocol }
  ))));
  await flush(namespace, [
    { protocol: 'udp', vip: '192.0.2.1', port: 53, keep: [] }, { protocol: 'tcp', vip: '192.0.2.2', port: 80, keep: [] },
    { protocol: 'udp', vip: '2001:db8::1', port: 53, keep: [] }, { protocol: 'tcp', vip: '2001:db8::2', port: 80, keep: [] },
  ]);
  assert.deepEqual(await standing(namespace), [1000, 1011, 1020, 1031, 1040, 1041]);
});

test('an entry of a zone is forgotten, and its twin of another zone with another endpoint stays', options, async (t) => {
  const namespace = await makeNamespace(t);
  await insert(namespace, [
    { clientPort: 1001, destination: '192.0.2.1 53', responder: '10.0.0.2 5353', zone: 7 },
    { clientPort: 1001, destination: '192.0.2.1 53', responder: '10.0.0.1 5353', zone: 8 },
  ]);
  await flush(namespace, [{ protocol: 'udp', vip: '192.0.2.1', port: 53, keep: [{ address: '10.0.0.1', port: 5353 }] }]);
  assert.match(await namespace.exec('conntrack', ['-L']), /^(?=.*zone=8)(?!.*zone=7)/s);
});

test('ten thousand entries among twenty thousand are forgotten', options, async (t) => {
  const namespace = await makeNamespace(t);
  await insert(namespace, Array.from({ length: 20_000 }, (_, index) => (
    { clientPort: 1_024 + index, destination: `192.0.2.${1 + (index % 2)} 53`, responder: '10.0.0.1 5353' }
  )));
  await flush(namespace, [{ protocol: 'udp', vip: '192.0.2.1', port: 53, keep: [] }, { protocol: 'udp', vip: '192.0.2.9', port: 53, keep: [] }]);
  assert.equal((await namespace.exec('conntrack', ['-C'])).trim(), '10000');
});

test('a large table is looked through in a thread, with the same result', options, async (t) => {
  const namespace = await makeNamespace(t);
  await insert(namespace, [1, 2, 3].map((index) => ({ clientPort: 1000 + index, destination: `192.0.2.${index} 53`, responder: '10.0.0.1 5353' })));
  await flush(namespace, [{ protocol: 'udp', vip: '192.0.2.2', port: 53, keep: [] }], '2');
  assert.deepEqual(await standing(namespace), [1001, 1003]);
});

test('without the right to do it, it fails and says what is missing, in a thread too', options, async (t) => {
  const namespace = await makeNamespace(t);
  await insert(namespace, [{ clientPort: 1001, destination: '192.0.2.1 53', responder: '10.0.0.1 5353' }]);
  const flows = JSON.stringify([{ protocol: 'udp', vip: '192.0.2.1', port: 53, keep: [] }]);
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', FIXTURE, flows];
  for (const largeTableEntries of ['0', '1']) {
    const { code, stderr } = await namespace.run('setpriv', ['--bounding-set', '-net_admin', ...node, largeTableEntries]);
    assert.notEqual(code, 0);
    assert.match(stderr, /EPERM.*CAP_NET_ADMIN/);
  }
});

test('an empty table, and no VIP port at all, are no error', options, async (t) => {
  const namespace = await makeNamespace(t);
  await flush(namespace, []);
  await flush(namespace, [{ protocol: 'udp', vip: '192.0.2.1', port: 53, keep: [] }]);
});
