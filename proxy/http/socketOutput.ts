import type { Socket } from 'node:net';

/** Octets that may wait in user space for one peer before the producer is held back. */
const HIGH_WATER_BYTES = 64 * 1024;
/** Up to here parts are copied into one buffer: cheaper than a vectored write, and one TLS record. */
const COPY_BYTES = 16 * 1024;

/** Up to here one string is cheaper than one buffer: the socket writes it from its own memory, nothing is allocated. */
const TEXT_BYTES = 2048;
/** From here on a flush does not wait for the end of the turn: a bulk transfer gains nothing by it. */
const FLUSH_BYTES = 32 * 1024;

/** Outputs that have something to write at the end of this turn of the event loop. */
let dirty: SocketOutput[] = [];

/**
 * Writes for all at once, after every socket that was readable in this turn has been read: the peers of a busy proxy are
 * then woken once per turn and not once per message (bench/NOTES.md).
 */
function flushAll(): void {
  const outputs = dirty;
  dirty = [];
  for (const output of outputs) output.flush();
}

/**
 * Gathers what one turn of the event loop has to say to a peer and writes it once: a response head and its body leave in
 * one packet. Strings are latin1. While the kernel takes nothing, the socket's own timeout runs (it counts partial
 * progress of a write as activity, which no stream event shows) and ends in the socket's `timeout` event.
 */
export class SocketOutput {
  readonly #socket: Socket;
  readonly #onWritable: () => void;
  #sendTimeoutMs: number;
  #parts: (string | Buffer)[] = [];
  #bytes = 0;
  /** Times that something was handed to the socket. */
  flushes = 0;
  #scheduled = false;
  #blocked = false;

  constructor(socket: Socket, sendTimeoutMs: number, onWritable: () => void) {
    this.#socket = socket;
    this.#sendTimeoutMs = sendTimeoutMs;
    this.#onWritable = onWritable;
    socket.on('drain', () => this.#drained());
  }

  set sendTimeoutMs(value: number) {
    this.#sendTimeoutMs = value;
  }

  add(part: string | Buffer): void {
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (dirty.push(this) === 1) setImmediate(flushAll);
  }

  /** False when enough is waiting; then `onWritable` is called later. */
  get writable(): boolean {
    if (this.#bytes >= FLUSH_BYTES) this.flush();
    if (this.#bytes + this.#socket.writableLength < HIGH_WATER_BYTES) return true;
    this.#blocked = true;
    return false;
  }

  /** Everything added has been handed to the kernel. */
  get empty(): boolean {
    return this.#bytes === 0 && this.#socket.writableLength === 0;
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#bytes === 0) return;
    const parts = this.#parts;
    const bytes = this.#bytes;
    this.#parts = [];
    this.#bytes = 0;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.flushes += 1;
    if (!this.#write(parts, bytes)) this.#socket.setTimeout(this.#sendTimeoutMs);
    else if (this.#blocked) this.#drained();
  }

  #write(parts: readonly (string | Buffer)[], bytes: number): boolean {
    const first = parts[0];
    if (parts.length === 1 && first !== undefined) return this.#writePart(first);
    if (bytes <= TEXT_BYTES) return this.#socket.write(joinText(parts), 'latin1');
    if (bytes <= COPY_BYTES) return this.#socket.write(join(parts, bytes));
    this.#socket.cork();
    let room = true;
    for (const part of parts) room = this.#writePart(part);
    this.#socket.uncork();
    return room;
  }

  #writePart(part: string | Buffer): boolean {
    return typeof part === 'string' ? this.#socket.write(part, 'latin1') : this.#socket.write(part);
  }

  #drained(): void {
    this.#socket.setTimeout(0);
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#onWritable();
  }
}

function joinText(parts: readonly (string | Buffer)[]): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : part.toString('latin1');
  return text;
}

function join(parts: readonly (string | Buffer)[], bytes: number): Buffer {
  const whole = Buffer.allocUnsafe(bytes);
  let offset = 0;
  for (const part of parts) {
    if (typeof part === 'string') whole.write(part, offset, 'latin1');
    else whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
