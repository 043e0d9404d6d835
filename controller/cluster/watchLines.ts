import { KubeError, type WatchEvent } from './kubeApi.ts';

/** Ours: objects are at most 1.5 MiB in etcd, several times that as JSON with managedFields. */
export const MAX_WATCH_LINE_BYTES = 8 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Makes events of the octets of a watch: one JSON text per line, in any split. Throws KubeError, after which it is of no use. */
export class WatchLines {
  readonly #maxLineBytes: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  /** The line that is not complete yet. */
  #parts: Buffer[] = [];
  #partBytes = 0;

  constructor(maxLineBytes = MAX_WATCH_LINE_BYTES) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The events whose lines end in this chunk, as they are parsed. */
  *push(chunk: Buffer): Generator<WatchEvent> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      const event = this.#line();
      if (event !== null) yield event;
    }
    this.#keep(chunk.subarray(from));
  }

  /** The watch has ended; throws when it did so within a line. */
  end(): void {
    if (this.#partBytes > 0) throw new KubeError('unreachable', 'the watch broke off within an event');
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#partBytes += part.length;
    if (this.#partBytes > this.#maxLineBytes) {
      throw new KubeError('server', `an event of the watch is larger than ${this.#maxLineBytes} bytes`);
    }
    this.#parts.push(part);
  }

  /** Null for an empty line. */
  #line(): WatchEvent | null {
    const [only] = this.#parts;
    const line = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts, this.#partBytes);
    this.#parts = [];
    this.#partBytes = 0;
    return line.length === 0 ? null : decodeEvent(this.#text(line));
  }

  #text(line: Buffer): string {
    try {
      return this.#decoder.decode(line);
    } catch (error) {
      throw new KubeError('server', 'an event of the watch is not UTF-8', { cause: error });
    }
  }
}

function decodeEvent(text: string): WatchEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes what it read, which may be a Secret.
    throw new KubeError('server', 'an event of the watch is no JSON');
  }
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string' || !('object' in value)) {
    throw new KubeError('server', 'an event of the watch has no type or no object');
  }
  return { type: value.type, object: value.object };
}
