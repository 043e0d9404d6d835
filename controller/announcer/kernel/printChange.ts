import { TABLE } from './baseTable.ts';
import type { PieceChange } from './pieceModel.ts';
import type { TablePiece } from './tablePiece.ts';

type Chain = Extract<TablePiece, { type: 'chain' }>;

/**
 * One transaction for `nft -f`; empty when nothing changes. What is referred to comes first and goes last: sets and empty chains,
 * then rules, then elements that lead to chains; the other way round for what goes. `table`: family and name.
 */
export function printChange({ added, removed, replaced }: PieceChange, table = TABLE): string {
  const after = replaced.map(({ piece }) => piece);
  const newChains = added.filter(isChain);
  const oldChains = removed.filter(isChain);
  const changedChains = after.filter(isChain);
  return [
    ...added.filter(isDeclared).map(({ type, name, declaration }) => `add ${type} ${table} ${name} { ${declaration}; }`),
    ...newChains.map(({ name }) => `add chain ${table} ${name}`),
    ...printElements('delete', [...removed, ...replaced.map(({ before }) => before)], table),
    ...changedChains.map(({ name }) => `flush chain ${table} ${name}`),
    ...[...newChains, ...changedChains].flatMap(({ name, rules }) => rules.map((rule) => `add rule ${table} ${name} ${rule}`)),
    ...printElements('add', [...added, ...after], table),
    ...oldChains.map(({ name }) => `flush chain ${table} ${name}`),
    ...oldChains.map(({ name }) => `delete chain ${table} ${name}`),
    ...removed.filter(isDeclared).map(({ type, name }) => `delete ${type} ${table} ${name}`),
  ].map((line) => `${line}\n`).join('');
}

function printElements(verb: 'add' | 'delete', pieces: readonly TablePiece[], table: string): string[] {
  const bySet = new Map<string, string[]>();
  for (const piece of pieces) {
    if (piece.type !== 'element') continue;
    const list = bySet.get(piece.set) ?? [];
    list.push(verb === 'delete' || piece.value === null ? piece.key : `${piece.key} : ${piece.value}`);
    bySet.set(piece.set, list);
  }
  return [...bySet].map(([set, elements]) => `${verb} element ${table} ${set} { ${elements.join(', ')} }`);
}

function isDeclared(piece: TablePiece): piece is Extract<TablePiece, { type: 'set' | 'map' }> {
  return piece.type === 'set' || piece.type === 'map';
}

function isChain(piece: TablePiece): piece is Chain {
  return piece.type === 'chain';
}
