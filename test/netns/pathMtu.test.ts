import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BACKEND_PORT } from './backends.ts';
import { startCluster } from './cluster.ts';
import { lacksLab, PYTHON } from './lab.ts';
import { vipOf, type LabService } from './labObjects.ts';
import type { Namespace } from './namespace.ts';

const skip = lacksLab();
const echo: LabService = { name: 'echo', vip: 200 };
const local: LabService = { name: 'local', vip: 201, policy: 'Local' };
const proxied: LabService = { name: 'proxied', vip: 202, annotations: { 'gatehouse.dev/forwarding': 'proxy' } };
const SERVICES = [echo, local, proxied];
const NARROW = '1300';
const TRIES = 6;

/** Sends so many octets to an echo and reads them back, over and over until it works: PROTOCOL ADDRESS PORT OCTETS TRIES. */
const THERE_AND_BACK = `
import socket, sys
protocol, address, port, octets, tries = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
family = socket.AF_INET6 if ':' in address else socket.AF_INET
one = socket.socket(family, socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM)
one.settimeout(5 if protocol == 'tcp' else 0.5)
one.connect((address, port))
if protocol == 'tcp':
    one.sendall(b'x' * octets)
    heard = 0
    while heard < octets: heard += len(one.recv(65536))
    sys.exit(0)
for attempt in range(tries):
    try:
        one.send(b'x' * octets)
        if len(one.recv(65535)) > octets: sys.exit(0)
    except OSError: pass
sys.exit(1)
`;

test('what is larger than a frame', { skip }, async (t) => {
  const cluster = await startCluster(t, { lab: { nodes: 2 }, objects: () => ({ services: SERVICES }) });
  const { lab } = cluster;
  for (const service of SERVICES) for (const address of Object.values(vipOf(service))) await cluster.owner(address);

  await cluster.step('comes and goes in fragments: datagrams and pings of up to 60,000 octets', async () => {
    for (const octets of ['1473', '4000', '60000']) {
      for (const from of [lab.client, lab.far, lab.node(1), lab.node(2).pods]) await everywhere(from, 'udp', octets);
    }
    for (const address of Object.values(vipOf(echo))) await lab.client.exec('ping', ['-n', '-c', '2', '-i', '0.1', '-W', '2', '-s', '20000', address]);
  });

  await cluster.step('finds its way to a client behind a narrow link, whose router tells VIPs so', async () => {
    await lab.router.exec('ip', ['link', 'set', 'eth1', 'mtu', NARROW]);
    // Whatever the client says of its segment size, it says what a wide link allows.
    await lab.far.exec('ip', ['route', 'change', 'default', 'via', '10.78.0.1', 'advmss', '1460']);
    await lab.far.exec('ip', ['link', 'set', 'eth0', 'mtu', NARROW]);
    for (const protocol of ['tcp', 'udp'] as const) await everywhere(lab.far, protocol, protocol === 'tcp' ? '200000' : '4000');
  });

  await cluster.step('finds its way to endpoints behind a narrow link, of which nodes tell clients', async () => {
    for (const node of lab.nodes) {
      await node.exec('ip', ['link', 'set', 'cni0', 'mtu', NARROW]);
      await node.pods.exec('ip', ['link', 'set', 'eth0', 'mtu', NARROW]);
    }
    for (const protocol of ['tcp', 'udp'] as const) await everywhere(lab.client, protocol, protocol === 'tcp' ? '200000' : '1400');
  });
});

async function everywhere(from: Namespace, protocol: 'tcp' | 'udp', octets: string): Promise<void> {
  await Promise.all(SERVICES.flatMap((service) => Object.values(vipOf(service)).map(async (address: string) => {
    const { code, stderr } = await from.run(PYTHON, ['-c', THERE_AND_BACK, protocol, address, String(BACKEND_PORT[protocol]), octets, String(TRIES)]);
    assert.equal(code, 0, `${from.name}: ${octets} octets of ${protocol} to ${address} of ${service.name}: ${stderr}`);
  })));
}
