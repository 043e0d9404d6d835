/**
 * Length of each code in bits by symbol; 256 is the end of string (RFC 7541 appendix B). The code is canonical: from
 * the lengths alone follow the codes.
 */
const CODE_BITS: readonly number[] = [
  [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  [28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  [5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  [13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  [7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  [6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  [24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  [21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  [19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  [26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  [30],
].flat();

const END_OF_STRING = 256;
const LONGEST_CODE_BITS = 30;
/** Padding is the beginning of the end-of-string code, which is all ones, and shorter than an octet (RFC 7541 5.2). */
const LONGEST_PADDING_BITS = 7;

const NEXT_MASK = 0xff;
const SYMBOL_SHIFT = 8;
const EMITS = 1 << 16;
const FAILS = 1 << 17;

/** Inner nodes of the code tree, two children each: another node, or a symbol as `~symbol`. */
const TREE: Int16Array = buildTree();
/** Node and next four bits → next node, symbol, what to do. The shortest code has five bits: at most one symbol. */
const STEPS: Int32Array = buildSteps();
/** 1 for nodes at which a string may end. */
const FINAL: Uint8Array = buildFinal();

/** Octets that decoding `length` octets makes at most. */
export function mostDecodedBytes(length: number): number {
  return Math.ceil((length * 8) / 5);
}

/**
 * Decodes the octets from `start` to `end` into `target`, which has room for `mostDecodedBytes`. The number of octets
 * made; -1: the end-of-string symbol, or padding that is too long or not all ones (RFC 7541 section 5.2).
 */
export function decodeHuffman(octets: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let node = 0;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const octet = octets[at] as number;
    const high = STEPS[(node << 4) | (octet >> 4)] as number;
    if ((high & EMITS) !== 0) target[length++] = (high >> SYMBOL_SHIFT) & 0xff;
    const low = STEPS[((high & NEXT_MASK) << 4) | (octet & 0xf)] as number;
    if ((low & EMITS) !== 0) target[length++] = (low >> SYMBOL_SHIFT) & 0xff;
    if (((high | low) & FAILS) !== 0) return -1;
    node = low & NEXT_MASK;
  }
  return FINAL[node] === 1 ? length : -1;
}

/** Symbol → code of `CODE_BITS` bits. */
function* canonicalCodes(): Generator<{ readonly symbol: number; readonly code: number; readonly bits: number }> {
  let code = 0;
  for (let bits = 1; bits <= LONGEST_CODE_BITS; bits += 1) {
    for (let symbol = 0; symbol <= END_OF_STRING; symbol += 1) {
      if (CODE_BITS[symbol] !== bits) continue;
      yield { symbol, code, bits };
      code += 1;
    }
    code *= 2;
  }
}

function buildTree(): Int16Array {
  const tree = new Int16Array(2 * END_OF_STRING);
  let nodes = 1;
  for (const { symbol, code, bits } of canonicalCodes()) {
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit -= 1) {
      const branch = 2 * node + ((code >>> bit) & 1);
      if (tree[branch] === 0) tree[branch] = nodes++;
      node = tree[branch] as number;
    }
    tree[2 * node + (code & 1)] = ~symbol;
  }
  return tree;
}

function buildSteps(): Int32Array {
  const steps = new Int32Array(END_OF_STRING * 16);
  for (let node = 0; node < END_OF_STRING; node += 1) {
    for (let nibble = 0; nibble < 16; nibble += 1) steps[(node << 4) | nibble] = stepOf(node, nibble);
  }
  return steps;
}

function stepOf(from: number, nibble: number): number {
  let node = from;
  let step = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const child = TREE[2 * node + ((nibble >> bit) & 1)] as number;
    if (child === ~END_OF_STRING) return FAILS;
    if (child < 0) step |= EMITS | (~child << SYMBOL_SHIFT);
    node = Math.max(child, 0);
  }
  return step | node;
}

function buildFinal(): Uint8Array {
  const final = new Uint8Array(END_OF_STRING);
  let node = 0;
  for (let bits = 0; bits <= LONGEST_PADDING_BITS; bits += 1) {
    final[node] = 1;
    node = TREE[2 * node + 1] as number;
  }
  return final;
}
