import { DEFAULT_TABLE_BYTES } from './frames.ts';
import { decodeHuffman, mostDecodedBytes } from './huffman.ts';
import { STATIC_TABLE } from './staticTable.ts';

/** What an entry counts beyond its octets (RFC 7541 section 4.1). */
const ENTRY_BYTES = 32;
/** Highest integer taken; no index, length or table size here comes near. */
const MAX_INTEGER = 0xfffffff;
/** Size updates in front of a block: the smallest and the last one (RFC 7541 section 4.2). */
const MAX_SIZE_UPDATES = 2;

/** Takes one field line; strings are latin1 characters, nothing of them is checked. */
export type FieldVisitor = (name: string, value: string) => void;

/** Where Huffman strings are decoded to; grown to the longest one a block within its ceiling can hold. */
let scratch: Buffer = Buffer.allocUnsafeSlow(16 * 1024);

/**
 * Field blocks of one connection (RFC 7541), each given whole. Memory held between blocks is the dynamic table's, at
 * most `DEFAULT_TABLE_BYTES` by HPACK's own count.
 */
export class HpackDecoder {
  /** Oldest first, from `#oldest` on. */
  #names: string[] = [];
  #values: string[] = [];
  #oldest = 0;
  #tableBytes = 0;
  #maxTableBytes = DEFAULT_TABLE_BYTES;
  #octets: Buffer = scratch;
  #at = 0;

  /**
   * Decodes a block and hands every line to `visit`. False: COMPRESSION_ERROR, the connection is lost, as the tables no
   * longer agree.
   */
  decode(block: Buffer, visit: FieldVisitor): boolean {
    this.#octets = block;
    this.#at = 0;
    let updates = 0;
    let isStart = true;
    while (this.#at < block.length) {
      const octet = block[this.#at] as number;
      if ((octet & 0xe0) === 0x20) {
        updates += 1;
        if (!isStart || updates > MAX_SIZE_UPDATES || !this.#resize()) return false;
        continue;
      }
      isStart = false;
      if (octet >= 0x80 ? !this.#indexed(visit) : !this.#literal(octet, visit)) return false;
    }
    return true;
  }

  #resize(): boolean {
    const size = this.#integer(5);
    if (size < 0 || size > DEFAULT_TABLE_BYTES) return false;
    this.#maxTableBytes = size;
    this.#evict(0);
    return true;
  }

  #indexed(visit: FieldVisitor): boolean {
    const index = this.#integer(7);
    const name = this.#nameAt(index);
    if (name === undefined) return false;
    visit(name, this.#valueAt(index));
    return true;
  }

  #literal(octet: number, visit: FieldVisitor): boolean {
    const isIndexing = octet >= 0x40;
    const index = this.#integer(isIndexing ? 6 : 4);
    const name = index === 0 ? this.#string() : this.#nameAt(index);
    if (name === undefined) return false;
    const value = this.#string();
    if (value === undefined) return false;
    if (isIndexing) this.#insert(name, value);
    visit(name, value);
    return true;
  }

  /** Undefined for 0, for what stands behind the tables, and for an integer that could not be read. */
  #nameAt(index: number): string | undefined {
    if (index <= STATIC_TABLE.length) return STATIC_TABLE[index - 1]?.[0];
    const at = this.#dynamicAt(index);
    return at < this.#oldest ? undefined : this.#names[at];
  }

  #valueAt(index: number): string {
    if (index <= STATIC_TABLE.length) return STATIC_TABLE[index - 1]?.[1] ?? '';
    return this.#values[this.#dynamicAt(index)] ?? '';
  }

  #dynamicAt(index: number): number {
    return this.#names.length + STATIC_TABLE.length - index;
  }

  #insert(name: string, value: string): void {
    const bytes = name.length + value.length + ENTRY_BYTES;
    this.#evict(bytes);
    // RFC 7541 section 4.4: an entry larger than the table empties it and is no error.
    if (bytes > this.#maxTableBytes) return;
    this.#names.push(name);
    this.#values.push(value);
    this.#tableBytes += bytes;
  }

  /** Makes room for `bytes`. */
  #evict(bytes: number): void {
    while (this.#tableBytes + bytes > this.#maxTableBytes && this.#oldest < this.#names.length) {
      const name = this.#names[this.#oldest] ?? '';
      const value = this.#values[this.#oldest] ?? '';
      this.#tableBytes -= name.length + value.length + ENTRY_BYTES;
      this.#names[this.#oldest] = '';
      this.#values[this.#oldest] = '';
      this.#oldest += 1;
    }
    if (this.#oldest < 64 || this.#oldest * 2 < this.#names.length) return;
    this.#names = this.#names.slice(this.#oldest);
    this.#values = this.#values.slice(this.#oldest);
    this.#oldest = 0;
  }

  /** RFC 7541 section 5.1; -1: cut off or too large. */
  #integer(prefixBits: number): number {
    const octets = this.#octets;
    const mask = (1 << prefixBits) - 1;
    let value = (octets[this.#at] as number) & mask;
    this.#at += 1;
    if (value < mask) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      const octet = octets[this.#at];
      if (octet === undefined) return -1;
      this.#at += 1;
      value += (octet & 0x7f) * 2 ** shift;
      if (octet < 0x80) return value > MAX_INTEGER ? -1 : value;
    }
    return -1;
  }

  /** RFC 7541 section 5.2; undefined: cut off, or a Huffman code that is none. */
  #string(): string | undefined {
    const octets = this.#octets;
    const first = octets[this.#at];
    if (first === undefined) return undefined;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (length < 0 || end > octets.length) return undefined;
    this.#at = end;
    if (first < 0x80) return octets.toString('latin1', start, end);
    const most = mostDecodedBytes(length);
    if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most);
    const decoded = decodeHuffman(octets, start, end, scratch);
    return decoded < 0 ? undefined : scratch.toString('latin1', 0, decoded);
  }
}
