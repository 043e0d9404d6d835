import { randomBytes } from 'node:crypto';
import type { L4Key } from '../../../core/ir/l4.ts';
import type { Neighbourhood } from '../parts.ts';
import type { ForwardedPort } from '../wanted.ts';
import { printRemoval, readEarlierTable } from './earlierTable.ts';
import { explainFailure } from './explainFailure.ts';
import { createHandoverTable, handoverBase, HANDOVER_TABLES, type FamilyChange } from './handoverTable.ts';
import type { Nft, NftResult } from './nft.ts';
import { NFT_FAMILIES } from './nftFamily.ts';
import { isHandedOver } from './place.ts';
import { printChange } from './printChange.ts';

/**
 * Owns the tables that hand flows over, apart from the one that forwards: where a kernel cannot do this, or while it is not done yet,
 * all else goes on. One call at a time.
 */
export interface HandoverProgrammer {
  /**
   * What differs, for a transaction that changes the other table too: between two, a connection that begins would be translated here
   * that is to be handed over, and end with another way in. Null: no such statements, as it is not known what is there, or nothing
   * differs. `program` comes afterwards all the same.
   */
  join(wanted: ReadonlyMap<L4Key, ForwardedPort>, neighbourhood: Neighbourhood): Join | null;
  /** One transaction of what differs; none while neighbours are not known but needed. `again`: looks whether the tables still stand. Answers what is wrong. */
  program(wanted: ReadonlyMap<L4Key, ForwardedPort>, neighbourhood: Neighbourhood, again: boolean): Promise<readonly string[]>;
  /** Takes the tables away. Answers what went wrong, null: nothing. */
  remove(): Promise<string | null>;
}

/** Statements for a transaction of somebody else. */
export interface Join {
  readonly text: string;
  /** To be called once they were carried out; else nobody knows whether they were. */
  done(): void;
}

/** Makes no contact before it is asked to. */
export function createHandoverProgrammer(nft: Nft): HandoverProgrammer {
  const model = createHandoverTable();
  /** What is in the kernel: not known, no such table, or ours by its marker. */
  let there: 'unknown' | 'nothing' | { readonly marker: string } = 'unknown';

  async function run(text: string, after: typeof there): Promise<NftResult> {
    // Until it is done, nobody knows.
    there = 'unknown';
    const result = await nft.run(['-f', '-'], text);
    if (result.ok) there = after;
    return result;
  }

  async function clear(): Promise<NftResult> {
    if (there === 'unknown') {
      const listed = await nft.run(['list', 'tables'], '');
      const isClear = !listed.ok || HANDOVER_TABLES.every((table) => !listed.output.split('\n').includes(`table ${table}`));
      if (isClear) there = 'nothing';
    }
    return there === 'nothing' ? { ok: true, output: '' } : run(removal(), 'nothing');
  }

  async function writeWhole(): Promise<NftResult> {
    const marker = `whole-${randomBytes(6).toString('hex')}`;
    const changes = model.whole();
    const texts = await Promise.all(NFT_FAMILIES.map(async (family, index) => {
      const { table, change } = changes[index] as FamilyChange;
      const keep = new Set(change.added.filter((piece) => piece.type === 'set').map((piece) => piece.name));
      const earlier = await readEarlierTable(nft, table);
      return printRemoval(earlier, keep, table) + handoverBase(family, marker) + printChange(change, table);
    }));
    const result = await run(texts.join(''), { marker });
    if (result.ok || result.reason !== 'refused') return result;
    // What is there may be of a kind that cannot be built upon.
    const anew = NFT_FAMILIES.map((family, index) => handoverBase(family, marker) + printChange((changes[index] as FamilyChange).change, HANDOVER_TABLES[index]));
    return run(removal() + anew.join(''), { marker });
  }

  async function bring(changes: readonly FamilyChange[], again: boolean): Promise<NftResult> {
    if (model.isEmpty()) return clear();
    if (typeof there === 'string') return writeWhole();
    const text = printAll(changes);
    if (text === '' && !again) return { ok: true, output: '' };
    const result = await run(touch(there) + text, there);
    return result.ok ? result : writeWhole();
  }

  return {
    join: (wanted, neighbourhood) => {
      if (typeof there === 'string' || neighbourhood.neighbours === null) return null;
      const before = there;
      const text = printAll(model.change(wanted, neighbourhood));
      if (text === '') return null;
      there = 'unknown';
      return { text: model.isEmpty() ? removal() : touch(before) + text, done: () => { there = model.isEmpty() ? 'nothing' : before; } };
    },
    program: async (wanted, neighbourhood, again) => {
      // What an earlier run hands over goes on meanwhile.
      if (neighbourhood.neighbours === null && [...wanted.values()].some(isHandedOver)) return [];
      const result = await bring(model.change(wanted, neighbourhood), again);
      return result.ok ? [] : [`Flows with gatehouse.dev/balance: maglev are not handed over to other nodes, which takes the modules nft_dup_ipv4 and nft_dup_ipv6. ${explainFailure(result)}`];
    },
    remove: async () => {
      const result = await clear();
      return result.ok ? null : explainFailure(result);
    },
  };
}

/** Refused where the tables are not those that were written last. */
function touch({ marker }: { readonly marker: string }): string {
  return HANDOVER_TABLES.map((table) => `flush chain ${table} ${marker}\n`).join('');
}

function printAll(changes: readonly FamilyChange[]): string {
  return changes.map(({ table, change }) => printChange(change, table)).join('');
}

function removal(): string {
  return HANDOVER_TABLES.map((table) => printRemoval(null, new Set(), table)).join('');
}
