import type { ClientLimits } from '../../../core/ir/settings.ts';

/** What each line counts beyond its octets (RFC 9113 section 6.5.2, SETTINGS_MAX_HEADER_LIST_SIZE). */
const LINE_OVERHEAD_BYTES = 32;

/** The field lines of one decoded block, pseudo-header fields among them, in order. */
export class FieldLines {
  readonly names: string[] = [];
  readonly values: string[] = [];
  /** A limit was passed: what came behind it has been decoded and dropped. */
  tooLarge: 'fieldLineBytes' | 'headerBytes' | 'headerCount' | null = null;
  readonly #limits: ClientLimits;
  #bytes = 0;
  #lines = 0;

  constructor(limits: ClientLimits) {
    this.#limits = limits;
  }

  /** A cookie crumb counts as a line of its own: else a head of 64 KiB could hold thousands. */
  add(name: string, value: string): void {
    const limits = this.#limits;
    // No line of HTTP/1.1; their number is bounded by their octets here and by name where the head is read.
    const isPseudo = name.charCodeAt(0) === 0x3a;
    this.#bytes += name.length + value.length + LINE_OVERHEAD_BYTES;
    if (this.#bytes > limits.headerBytes) this.tooLarge ??= 'headerBytes';
    else if (!isPseudo && this.#lines >= limits.headerCount) this.tooLarge ??= 'headerCount';
    // :path has a limit of its own.
    else if (name.length + value.length > limits.fieldLineBytes && name !== ':path') this.tooLarge ??= 'fieldLineBytes';
    if (this.tooLarge !== null) return;
    if (!isPseudo) this.#lines += 1;
    this.names.push(name);
    this.values.push(value);
  }
}
