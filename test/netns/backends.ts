import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import type { LabNode } from './lab.ts';
import { endProcess } from './namespace.ts';

/** Ports of every endpoint of the lab. */
export const BACKEND_PORT = { tcp: 7000, udp: 7001, http: 8080 } as const;
const FIXTURE = join(import.meta.dirname, 'fixture/backend.ts');

/**
 * Starts TCP echo, UDP echo and HTTP on every endpoint of the nodes, in both families. An answer begins with `NAME CLIENT `, NAME
 * being `node-1/2` for the second endpoint of the first node.
 */
export async function startBackends(t: TestContext, nodes: readonly LabNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => startOnNode(t, node)));
}

async function startOnNode(t: TestContext, node: LabNode): Promise<void> {
  const wanted = node.podAddresses.flatMap((addresses, index) =>
    Object.values(addresses).flatMap((address) =>
      (['tcp', 'udp', 'http'] as const).map((protocol) => ({ name: `${node.nodeName}/${index + 1}`, protocol, address, port: BACKEND_PORT[protocol] }))));
  const child = node.pods.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, JSON.stringify(wanted)]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('a backend has no output');
  child.stderr.pipe(process.stderr);
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), once(child, 'exit')]);
  if (line !== 'ready') throw new Error(`the backends of ${node.nodeName} ended with ${line}`);
}
