import { isIPv6 } from 'node:net';
import type { LabHost } from './labHost.ts';

const MAC = /\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi;

/** Asks who has an address, several times, and gives every MAC address that answered: sorted, each once. Waits for all of them, about a second. `source`: another of its addresses asks. */
export async function repliers(from: LabHost, address: string, source?: string): Promise<readonly string[]> {
  const { stdout } = isIPv6(address)
    ? await from.run('ndisc6', ['-m', '-n', '-r', '2', '-w', '300', ...(source === undefined ? [] : ['-s', source]), address, 'eth0'])
    : await from.run('arping', ['-i', 'eth0', '-c', '2', '-W', '0.3', '-w', '1', ...(source === undefined ? [] : ['-S', source]), address]);
  return [...new Set([...stdout.matchAll(MAC)].map(([mac]) => mac.toLowerCase()))].toSorted();
}

/** Who answers one and the same ARP request, within 300 ms: several are owners at once, not one after another as during a move. */
export async function repliersAtOnce(from: LabHost, address: string): Promise<readonly string[]> {
  const { stdout } = await from.run('arping', ['-i', 'eth0', '-c', '1', '-W', '0.3', address]);
  return [...new Set([...stdout.matchAll(MAC)].map(([mac]) => mac.toLowerCase()))].toSorted();
}

/** The MAC address a machine believes an address to have; null: none, or not known at present. */
export async function neighbour(of: LabHost, address: string): Promise<string | null> {
  const entries = JSON.parse(await of.exec('ip', ['-json', 'neighbour', 'show', 'to', address, 'dev', 'eth0'])) as readonly { readonly lladdr?: string }[];
  return entries[0]?.lladdr ?? null;
}

/** Makes a machine ask anew. */
export async function forgetNeighbour(of: LabHost, address: string): Promise<void> {
  await of.run('ip', ['neighbour', 'delete', address, 'dev', 'eth0']);
}
