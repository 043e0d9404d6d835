/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `RSA PRIVATE KEY`, ... */
  readonly label: string;
  /** The whole block, both boundary lines included. */
  readonly text: string;
}

const BEGIN = '-----BEGIN ';
const DASHES = '-----';
/** Longest label in use is `ENCRYPTED PRIVATE KEY`. */
const MAX_LABEL_CHARS = 64;

/**
 * The blocks of a PEM text in order, at most `maxBlocks` of them; explanatory text around them is skipped, as RFC 7468
 * section 2 allows. A block without its end line, and everything after it, is left out. Does not decode the content.
 */
export function pemBlocks(text: string, maxBlocks: number): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  let from = 0;
  while (blocks.length < maxBlocks) {
    const begin = text.indexOf(BEGIN, from);
    if (begin === -1) break;
    const labelAt = begin + BEGIN.length;
    const labelEnd = text.indexOf(DASHES, labelAt);
    if (labelEnd === -1) break;
    from = labelAt;
    const label = text.slice(labelAt, labelEnd);
    if (label.length > MAX_LABEL_CHARS || !startsLine(text, begin)) continue;
    const endLine = `-----END ${label}-----`;
    const end = text.indexOf(endLine, labelEnd);
    if (end === -1) break;
    from = end + endLine.length;
    blocks.push({ label, text: text.slice(begin, from) });
  }
  return blocks;
}

function startsLine(text: string, index: number): boolean {
  return index === 0 || text[index - 1] === '\n' || text[index - 1] === '\r';
}
