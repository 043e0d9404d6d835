import type { SocketOutput } from '../socketOutput.ts';
import { MAX_UNREAD_FRAMES, type Flood } from './floodGuard.ts';
import { DEFAULT_WINDOW_BYTES, FLAG, FRAME, frameHeader, MAX_31_BITS } from './frames.ts';

/** Octets of one DATA frame: streams take turns after each. A peer takes at least this much (RFC 9113 section 4.2). */
const FRAME_BYTES = 16_384;
/** A piece cut this short by the client's window counts as a crumb. */
const CRUMB_BYTES = 256;

/** The sending half of one stream: body that waits for windows and socket, then its end. */
export interface BodySender {
  readonly streamId: number;
  /** Octets the client takes; negative after it has made its windows smaller (RFC 9113 section 6.9.2). */
  window: number;
  readonly queue: Buffer[];
  queuedBytes: number;
  /** What ends the stream, once the queue is empty: null: not yet; frames of trailers; or an empty DATA frame. */
  ending: Buffer | 'data' | null;
  /** A DATA frame or the stream's end went out. `isOver`: its end among it. */
  onSent(isOver: boolean): void;
}

/** Shares one connection's window and socket out among its streams, one frame each in turn. */
export class H2Output {
  /** `SETTINGS_INITIAL_WINDOW_SIZE` of the client. */
  initialWindow = DEFAULT_WINDOW_BYTES;
  readonly #socketOutput: SocketOutput;
  readonly #onFlood: (flood: Flood | 'unread') => void;
  #window = DEFAULT_WINDOW_BYTES;
  /** Streams that can send, the one whose turn it is first. */
  readonly #ready = new Set<BodySender>();
  /** Those that could, had the connection's window room. */
  readonly #starved = new Set<BodySender>();
  #pumping = false;
  #unread = 0;

  /** `onFlood`: called for each thing that counts as one; `unread`: too much waits for a client that reads nothing. */
  constructor(socketOutput: SocketOutput, onFlood: (flood: Flood | 'unread') => void) {
    this.#socketOutput = socketOutput;
    this.#onFlood = onFlood;
  }

  /** Frames outside flow control, in front of all DATA not yet out. */
  add(frames: string | Buffer): void {
    this.#socketOutput.add(frames);
    if (this.#socketOutput.writable) this.#unread = 0;
    else if (++this.#unread === MAX_UNREAD_FRAMES) this.#onFlood('unread');
  }

  /** Something of this stream can go, or could. */
  ready(sender: BodySender): void {
    this.#ready.add(sender);
    this.pump();
  }

  remove(sender: BodySender): void {
    this.#ready.delete(sender);
    this.#starved.delete(sender);
  }

  /** The client takes more. False: its window would pass 2^31-1. */
  widen(increment: number): boolean {
    this.#window += increment;
    if (this.#window > MAX_31_BITS) return false;
    for (const sender of this.#starved) this.#ready.add(sender);
    this.#starved.clear();
    this.pump();
    return true;
  }

  /** Sends while anybody can. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    for (const sender of this.#ready) {
      if (!this.#socketOutput.writable) break;
      this.#unread = 0;
      this.#ready.delete(sender);
      this.#send(sender);
    }
    this.#pumping = false;
  }

  /** One frame; the stream then goes behind the others. */
  #send(sender: BodySender): void {
    const [chunk] = sender.queue;
    if (chunk === undefined) return this.#sendEnding(sender);
    if (this.#window <= 0) {
      this.#starved.add(sender);
      return;
    }
    const room = Math.min(sender.window, this.#window);
    if (room <= 0) return;
    const bytes = Math.min(chunk.length, FRAME_BYTES, room);
    if (bytes === chunk.length) sender.queue.shift();
    else sender.queue[0] = chunk.subarray(bytes);
    sender.window -= bytes;
    this.#window -= bytes;
    sender.queuedBytes -= bytes;
    const isOver = sender.queuedBytes === 0 && sender.ending === 'data';
    this.#socketOutput.add(frameHeader(FRAME.data, isOver ? FLAG.endStream : 0, sender.streamId, bytes));
    this.#socketOutput.add(bytes === chunk.length ? chunk : chunk.subarray(0, bytes));
    if (!isOver && (sender.queuedBytes > 0 || sender.ending !== null)) this.#ready.add(sender);
    if (bytes === room && bytes < CRUMB_BYTES && bytes < chunk.length) this.#onFlood('crumb');
    sender.onSent(isOver);
  }

  #sendEnding(sender: BodySender): void {
    if (sender.ending === null) return;
    const frames = sender.ending === 'data' ? frameHeader(FRAME.data, FLAG.endStream, sender.streamId, 0) : sender.ending;
    this.add(frames);
    sender.onSent(true);
  }
}
