/** One thing in the table beside its fixed part. Two with one id are the same thing, perhaps with another content. */
export type TablePiece =
  /** Of a set (`value` null) or a map. */
  | { readonly type: 'element'; readonly set: string; readonly key: string; readonly value: string | null }
  | { readonly type: 'chain'; readonly name: string; readonly rules: readonly string[] }
  | { readonly type: 'map'; readonly name: string; readonly declaration: string }
  /** A set that packets write into: its elements are no part of the plan. */
  | { readonly type: 'set'; readonly name: string; readonly declaration: string };

/** What a piece is called, among all of a table. */
export function pieceId(piece: TablePiece): string {
  return piece.type === 'element' ? `${piece.set} ${piece.key}` : `${piece.type} ${piece.name}`;
}

/** True when two pieces of one id have the same content. */
export function samePiece(a: TablePiece, b: TablePiece): boolean {
  return content(a) === content(b);
}

function content(piece: TablePiece): string | null {
  switch (piece.type) {
    case 'element':
      return piece.value;
    case 'chain':
      return piece.rules.join('\n');
    case 'map':
    case 'set':
      return piece.declaration;
  }
}
