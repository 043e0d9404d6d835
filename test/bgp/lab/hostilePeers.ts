import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { PREFIX_LENGTH } from '../../netns/labAddresses.ts';
import { endProcess } from '../../netns/namespace.ts';
import type { RouterHost } from './routerHost.ts';

/** A peer that does as it is told, in its first connection: later ones are reset. */
export interface HostilePeer {
  /** IPv4, of the lab's subnet: it is given to the host. */
  readonly address: string;
  readonly open: Buffer;
  /** Sent when the session is established. */
  readonly afterwards: Buffer;
  /** Octets per segment; 0: all at once. */
  readonly pieces: number;
  /** Asks for all routes after that. */
  readonly refreshes: boolean;
  /** Asks for all routes without end, and reads nothing. */
  readonly stopsReading: boolean;
}

export interface HostileEvent {
  readonly event: 'established' | 'notification' | 'update' | 'closed';
  readonly code?: number;
  readonly subcode?: number;
  readonly data?: string;
}

/** What has come to them. */
export interface HostilePeers {
  /** Of the peer with this index, in the order of what has happened. */
  heard(peer: number): readonly HostileEvent[];
}

const FIXTURE = join(import.meta.dirname, '../fixture/hostilePeers.ts');

/** Starts them all on one host; resolves once they listen. */
export async function startHostilePeers(t: TestContext, { namespace, folder }: RouterHost, peers: readonly HostilePeer[]): Promise<HostilePeers> {
  for (const { address } of peers) await namespace.exec('ip', ['address', 'replace', `${address}/${PREFIX_LENGTH.ipv4}`, 'dev', 'eth0']);
  const wanted = peers.map(({ open, afterwards, ...rest }) => ({ ...rest, open: open.toString('base64'), afterwards: afterwards.toString('base64') }));
  // Too long for a command line.
  const file = join(folder, 'hostilePeers.json');
  await writeFile(file, JSON.stringify(wanted));
  const child = namespace.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, file]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('hostile peers have no output');
  child.stderr.pipe(process.stderr);
  const events: HostileEvent[][] = peers.map(() => []);
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, 'line');
  lines.on('line', (line) => {
    const { peer, ...event } = JSON.parse(line) as HostileEvent & { readonly peer?: number };
    if (peer !== undefined) events[peer]?.push(event);
  });
  await Promise.race([ready, once(child, 'exit').then(([code]) => Promise.reject(new Error(`hostile peers ended with ${String(code)}`)))]);
  return { heard: (peer) => events[peer] ?? [] };
}
