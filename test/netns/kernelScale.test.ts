import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pool } from '../support/loadBalancer.ts';
import { endpointOfService, removeService, vipOfService, writeService, writeServices } from '../support/serviceFiles.ts';
import { until } from '../support/until.ts';
import { BACKEND_PORT, startBackends } from './backends.ts';
import { startFlows, type FlowOptions } from './flows.ts';
import { startGatehouseNode } from './gatehouseNode.ts';
import { hasVip, startKernelMonitor, type KernelMonitor } from './kernelMonitor.ts';
import { lacksLab, startLab, type LabNode } from './lab.ts';
import { podSubnet } from './labAddresses.ts';
import { nodeObjects, serviceObjects, vipOf, writeObjects, type LabManifest, type LabService } from './labObjects.ts';

const skip = lacksLab('conntrack', 'stdbuf');
const SERVICES = 1_000;
const CHANGES = 100;
/** Every so many changes are of the Service that the flows use. */
const OWN_CHANGE_EVERY = 10;
const FIRST_LOCAL_PORT = 20_000;
const echo: LabService = { name: 'echo', vip: 200 };
const protocolOf = (index: number) => (index % 2 === 0 ? 'TCP' : 'UDP');

test('flows lose nothing while a thousand Services of ten endpoints are changed and removed', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-scale-'));
  const lab = await startLab(t, { nodes: 1, pods: 10 });
  const node = lab.node(1);
  t.after(async () => {
    for (const each of [folder, `${folder}-state-${node.nodeName}`, `${folder}-run-${node.nodeName}`]) await rm(each, { recursive: true, force: true });
  });
  const { ipv4, ipv6 } = vipOf(echo);
  const fixed = [pool('lan', [`${ipv4}/32`, `${ipv6}/128`]), ...nodeObjects(lab)];
  // No node answers for these: who does is another matter.
  for (const [family, destinations] of [['ipv4', [ipv4, podSubnet(1).ipv4]], ['ipv6', [ipv6, podSubnet(1).ipv6]]] as const) {
    for (const destination of destinations) await lab.client.exec('ip', ['route', 'add', destination, 'via', node.addresses[family]]);
  }
  await Promise.all([
    startBackends(t, lab.nodes),
    writeServices(folder, Array.from({ length: SERVICES }, (_, index) => ({ index, firstHost: 1, protocol: protocolOf(index) }))),
    writeObjects(folder, [...fixed, ...serviceObjects(lab, echo)]),
  ]);
  await startGatehouseNode(t, node, { folder });
  await until('all Services are in the kernel', () => hasVip(node, vipOfService(SERVICES - 1)));
  const monitor = await startKernelMonitor(node);

  const wanted = flowOptions(node);
  const flows = await startFlows(t, lab.client, wanted);
  const before = await entriesOf(node, wanted);
  assert.equal(before.length, wanted.length, before.join('\n'));

  for (let number = 0; number < CHANGES; number += 1) {
    if (number % OWN_CHANGE_EVERY === 0) await changeOwn(monitor, number, (address) => writeObjects(folder, [...fixed, ...serviceObjects(lab, echo).map((object) => withEndpoint(object, address))]));
    else await changeOther(monitor, folder, number);
  }

  const after = await entriesOf(node, wanted);
  const outcomes = await flows.finish();
  for (const [index, { sent, received, error }] of outcomes.entries()) {
    const { protocol, address } = wanted[index] ?? {};
    t.diagnostic(`${protocol} ${address}: ${sent} sent`);
    assert.equal(error, null, `${protocol} ${address}`);
    assert.equal(received, sent, `${protocol} ${address}`);
    assert.ok(sent > CHANGES, `${protocol} ${address}: ${sent} sent`);
  }
  assert.deepEqual(after, before);
});

/** TCP and UDP of both families: through the VIP, and past it to an endpoint, which Gatehouse has nothing to do with. */
function flowOptions({ podAddresses: [pod] }: LabNode): readonly FlowOptions[] {
  if (pod === undefined) throw new Error('the node has no endpoint');
  const addresses = [vipOf(echo).ipv4, vipOf(echo).ipv6, pod.ipv4, pod.ipv6];
  return addresses.flatMap((address) => (['tcp', 'udp'] as const).map((protocol) => ({ protocol, address, port: BACKEND_PORT[protocol] })))
    .map((flow, index) => ({ ...flow, localPort: FIRST_LOCAL_PORT + index }));
}

/** The flows' own Service with one more address each time, another one: nobody is there, so a flow that moved would fall silent. */
async function changeOwn(monitor: KernelMonitor, number: number, write: (endpoint: string) => Promise<void>): Promise<void> {
  const address = `10.79.1.${200 + number / OWN_CHANGE_EVERY}`;
  const seen = monitor.seen(element(address));
  await write(address);
  await seen;
}

function withEndpoint(object: LabManifest, address: string): LabManifest {
  return object.kind === 'EndpointSlice' && 'addressType' in object && object.addressType === 'IPv4'
    ? Object.assign({}, object, { endpoints: [...(object.endpoints ?? []), { addresses: [address], conditions: { ready: true } }] }) : object;
}

async function changeOther(monitor: KernelMonitor, folder: string, number: number): Promise<void> {
  const index = (number * 37) % SERVICES;
  if (number % 3 === 0) {
    const seen = monitor.seen(`delete element inet gatehouse vips4 { ${vipOfService(index)} }`);
    await removeService(folder, { index });
    await seen;
  } else {
    const firstHost = 100 + number;
    const seen = monitor.seen(element(endpointOfService(index, firstHost)));
    await writeService(folder, { index, firstHost, protocol: protocolOf(index) });
    await seen;
  }
}

/** How `nft` prints a slot that leads to an address. */
function element(endpoint: string): string {
  return ` : ${endpoint} . `;
}

/** Entries of the flows, with their ids: one that was forgotten and made again has another. */
async function entriesOf(node: LabNode, flows: readonly FlowOptions[]): Promise<readonly string[]> {
  const lists = await Promise.all(['ipv4', 'ipv6'].map((family) => node.exec('conntrack', ['-L', '-f', family, '-o', 'id'])));
  const lines = lists.join('\n').split('\n').filter((line) => flows.some(({ protocol, localPort }) => line.startsWith(protocol) && line.includes(` sport=${localPort} `)));
  return lines.map((line) => {
    const ends = line.match(/(?:src|dst|sport|dport|id)=\S+/g) ?? [];
    return [line.split(' ')[0], ...ends].join(' ');
  }).toSorted();
}
