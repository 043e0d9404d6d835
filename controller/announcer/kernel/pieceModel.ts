import { pieceId, samePiece, type TablePiece } from './tablePiece.ts';

/** What turns one bag of pieces into the next. Kinds are disjoint by piece id. */
export interface PieceChange {
  readonly added: readonly TablePiece[];
  readonly removed: readonly TablePiece[];
  /** Another content under the same id: as it is to be, and as it was. */
  readonly replaced: readonly { readonly piece: TablePiece; readonly before: TablePiece }[];
}

/** The pieces that ports need, each once, and how many ports need it. */
export interface PieceModel {
  /** What some ports needed gives way to what they need now; one list for each port. A piece named twice in a list counts once. */
  exchange(before: Iterable<readonly TablePiece[]>, after: Iterable<readonly TablePiece[]>): PieceChange;
  /** Everything in it, by id. */
  pieces(): ReadonlyMap<string, TablePiece>;
}

/** A model of nothing. */
export function createPieceModel(): PieceModel {
  const held = new Map<string, { readonly piece: TablePiece; readonly ports: number }>();

  function hold(piece: TablePiece, ports: 1 | -1): void {
    const id = pieceId(piece);
    const count = (held.get(id)?.ports ?? 0) + ports;
    if (count === 0) held.delete(id);
    else held.set(id, { piece, ports: count });
  }

  return {
    exchange: (before, after) => {
      const touched = new Map<string, TablePiece | null>();
      const touch = (piece: TablePiece, count: 1 | -1): void => {
        const id = pieceId(piece);
        if (!touched.has(id)) touched.set(id, held.get(id)?.piece ?? null);
        hold(piece, count);
      };
      for (const pieces of before) for (const piece of once(pieces)) touch(piece, -1);
      for (const pieces of after) for (const piece of once(pieces)) touch(piece, 1);
      return compare(touched, held);
    },
    pieces: () => new Map([...held].map(([id, { piece }]) => [id, piece])),
  };
}

function compare(touched: ReadonlyMap<string, TablePiece | null>, held: ReadonlyMap<string, { readonly piece: TablePiece }>): PieceChange {
  const added: TablePiece[] = [];
  const removed: TablePiece[] = [];
  const replaced: PieceChange['replaced'][number][] = [];
  for (const [id, before] of touched) {
    const piece = held.get(id)?.piece ?? null;
    if (before === null && piece !== null) added.push(piece);
    else if (before !== null && piece === null) removed.push(before);
    else if (before !== null && piece !== null && !samePiece(before, piece)) replaced.push({ piece, before });
  }
  return { added, removed, replaced };
}

function once(pieces: readonly TablePiece[]): Iterable<TablePiece> {
  return new Map(pieces.map((piece) => [pieceId(piece), piece])).values();
}
