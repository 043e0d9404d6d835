import { randomBytes } from 'node:crypto';
import type { L4Key } from '../../../core/ir/l4.ts';
import type { ForwardedPort } from '../wanted.ts';
import { baseTable, TABLE, type BaseTableOptions } from './baseTable.ts';
import { printRemoval, readEarlierTable, type EarlierTable } from './earlierTable.ts';
import type { Place } from './place.ts';
import { createForwardingTable, type ForwardingTable, type PortChange } from './forwardingTable.ts';
import { explainFailure } from './explainFailure.ts';
import type { Nft, NftResult } from './nft.ts';
import { printChange } from './printChange.ts';

/** Owns the table in the kernel, and the model of what is in it. One call at a time. */
export interface TableProgrammer {
  /**
   * One transaction: the difference, or the whole table where it is not known what is there. `joined`: statements about other tables
   * that belong into the same transaction; those that cannot be carried out cost this table nothing.
   */
  program(wanted: ReadonlyMap<L4Key, ForwardedPort>, place?: Place, joined?: string): Promise<ProgramOutcome>;
  /** False: somebody has taken the table away, and the next transaction is whole. */
  stands(): Promise<boolean>;
  /** Takes the table away. Answers what went wrong, null: nothing. */
  remove(): Promise<string | null>;
}

export type ProgramOutcome =
  /**
   * `changes` since the last success; where the table was written as a whole, all ports are new. `problems` are those of single
   * ports, and cost the others nothing. `refused`: why a difference was not taken, before the whole was; null: it was, or none was tried.
   * `joined`: so were the statements about other tables.
   */
  | {
      readonly ok: true;
      readonly whole: boolean;
      readonly refused: string | null;
      readonly joined: boolean;
      readonly changes: readonly PortChange[];
      readonly ports: number;
      readonly problems: readonly string[];
    }
  | { readonly ok: false; readonly problem: string };

/** Makes no contact before it is asked to. */
export function createTableProgrammer(nft: Nft, options: Omit<BaseTableOptions, 'marker'>): TableProgrammer {
  let table: ForwardingTable | null = null;
  let marker = '';
  let here: Place | undefined;

  /** Changes nothing, and is refused where the table is not the one that was written last. Listing anything costs 15 times as much. */
  function touchMarker(): string {
    return `flush chain ${TABLE} ${marker}\n`;
  }

  async function programWhole(wanted: ReadonlyMap<L4Key, ForwardedPort>, earlier: EarlierTable | null): Promise<NftResult & { readonly changes: readonly PortChange[] }> {
    const model = createForwardingTable();
    const change = model.change(wanted, here);
    const name = `whole-${randomBytes(6).toString('hex')}`;
    const keep = new Set(change.added.filter((piece) => piece.type === 'set').map((piece) => piece.name));
    const text = printRemoval(earlier, keep) + baseTable({ ...options, marker: name }) + printChange(change);
    const result = await nft.run(['-f', '-'], text);
    if (result.ok) {
      table = model;
      marker = name;
    }
    return { ...result, changes: change.ports };
  }

  async function programDifference(model: ForwardingTable, wanted: ReadonlyMap<L4Key, ForwardedPort>, joined: string): Promise<NftResult & Joined> {
    const change = model.change(wanted, here);
    const text = printChange(change);
    if (text + joined === '') return { ok: true, output: '', joined: true, changes: change.ports };
    // Until it is done, nobody knows.
    table = null;
    const both = await nft.run(['-f', '-'], touchMarker() + text + joined);
    const isAtFault = joined !== '' && !both.ok && both.reason === 'refused';
    const result = isAtFault ? await nft.run(['-f', '-'], touchMarker() + text) : both;
    if (result.ok) table = model;
    return { ...result, joined: both.ok, changes: change.ports };
  }

  return {
    program: async (wanted, place, joined = '') => {
      here = place;
      const difference = table === null ? null : await programDifference(table, wanted, joined);
      if (difference?.ok === true) return succeeded(table, { ...difference, whole: false, refused: null });
      const earlier = await readEarlierTable(nft);
      let whole = await programWhole(wanted, earlier);
      // What is there may be of a kind that cannot be built upon.
      if (!whole.ok && whole.reason === 'refused' && earlier !== null) whole = await programWhole(wanted, null);
      return whole.ok ? succeeded(table, { changes: whole.changes, joined: false, whole: true, refused: difference?.text ?? null }) : { ok: false, problem: explainFailure(whole) };
    },
    stands: async () => {
      if (table === null) return false;
      const touched = await nft.run(['-f', '-'], touchMarker());
      // Only a plain answer counts: nft may be unable to run for a moment.
      if (touched.ok || touched.reason !== 'refused') return true;
      table = null;
      return false;
    },
    remove: async () => {
      table = null;
      const result = await nft.run(['-f', '-'], printRemoval(null, new Set()));
      return result.ok ? null : explainFailure(result);
    },
  };
}

interface Joined {
  readonly joined: boolean;
  readonly changes: readonly PortChange[];
}

function succeeded(table: ForwardingTable | null, how: Pick<Extract<ProgramOutcome, { ok: true }>, 'whole' | 'refused' | 'joined' | 'changes'>): ProgramOutcome {
  const plans = [...(table?.plans().values() ?? [])];
  const { whole, refused, joined, changes } = how;
  return { ok: true, whole, refused, joined, changes, ports: plans.length, problems: plans.flatMap(({ problems }) => problems) };
}
