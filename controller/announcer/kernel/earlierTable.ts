import { TABLE } from './baseTable.ts';
import type { Nft } from './nft.ts';

/** What an earlier run has left, by name. */
export interface EarlierTable {
  readonly chains: readonly string[];
  readonly sets: readonly string[];
  readonly maps: readonly string[];
}

/** Names that can be printed into a transaction as they are. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;

/** Reads which chains and sets there are, not what is in them. Null: there is no table, or none that could be read. */
export async function readEarlierTable(nft: Nft, table = TABLE): Promise<EarlierTable | null> {
  const listed = await nft.run(['-j', '-t', 'list', 'table', ...table.split(' ')], '');
  return listed.ok ? decodeListing(listed.output) : null;
}

/**
 * Takes away everything but the sets in `keep`, which affinity needs over a restart. Part of the transaction that builds the
 * table anew, so no packet sees it empty.
 */
export function printRemoval(earlier: EarlierTable | null, keep: ReadonlySet<string>, table = TABLE): string {
  if (earlier === null) return `add table ${table}\ndelete table ${table}\n`;
  const gone = earlier.sets.filter((name) => !keep.has(name));
  return [
    `flush table ${table}`,
    ...earlier.maps.flatMap((name) => [`flush map ${table} ${name}`, `delete map ${table} ${name}`]),
    ...gone.map((name) => `delete set ${table} ${name}`),
    ...earlier.chains.map((name) => `delete chain ${table} ${name}`),
  ].map((line) => `${line}\n`).join('');
}

/** Null for a listing that is not understood, or that has names nobody here gives. */
export function decodeListing(text: string): EarlierTable | null {
  const found = { chain: [] as string[], set: [] as string[], map: [] as string[] };
  for (const item of items(text)) {
    for (const kind of ['chain', 'set', 'map'] as const) {
      const name = nameIn(item, kind);
      if (name === null) continue;
      if (!NAME.test(name)) return null;
      found[kind].push(name);
    }
  }
  return found.chain.length === 0 ? null : { chains: found.chain, sets: found.set, maps: found.map };
}

function items(text: string): readonly unknown[] {
  try {
    const root: unknown = JSON.parse(text);
    const list: unknown = typeof root === 'object' && root !== null && 'nftables' in root ? root.nftables : null;
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function nameIn(item: unknown, kind: string): string | null {
  if (typeof item !== 'object' || item === null || !Object.hasOwn(item, kind)) return null;
  const value: unknown = (item as Readonly<Record<string, unknown>>)[kind];
  if (typeof value !== 'object' || value === null || !('name' in value)) return null;
  return typeof value.name === 'string' ? value.name : null;
}
