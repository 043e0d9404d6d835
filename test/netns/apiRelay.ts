import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Namespace } from './namespace.ts';

/** A port of this machine's loopback, to be had in network namespaces at the same address and port. */
export interface ApiRelay {
  /** Makes it reachable in a namespace. */
  into(namespace: Namespace): Promise<void>;
}

const MAIN = join(import.meta.dirname, 'fixture/relayMain.ts');

/** By a Unix socket: nothing of this machine's network is touched. Ends with the test, and in a namespace with that. */
export async function startApiRelay(t: TestContext, port: number): Promise<ApiRelay> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-relay-'));
  const path = join(folder, 'relay.sock');
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const onward = connect(port, '127.0.0.1');
    for (const [from, to] of [[client, onward], [onward, client]] as const) {
      open.add(from);
      from.pipe(to);
      from.once('error', () => to.destroy());
      from.once('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(path);
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    for (const socket of open) socket.destroy();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    into: async (namespace) => {
      const child = namespace.spawn(process.execPath, [MAIN, String(port), path]);
      if (child.stdout !== null) await once(child.stdout, 'data');
    },
  };
}
