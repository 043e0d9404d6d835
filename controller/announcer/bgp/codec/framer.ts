import { decodeMessage, type DecodedMessage } from './codec.ts';
import { decodeHeader, HEADER_LENGTH } from './header.ts';
import type { CodecOptions } from './message.ts';

/** Makes messages of the octets of a connection, however they are cut. */
export interface MessageFramer {
  /**
   * Takes octets and yields the messages that end in them. The iteration is to be run to its end, else the rest of
   * the octets is lost; after a fault nothing more is yielded, now or later. Octets are read while it runs, and not
   * kept, but for the beginning of one message.
   */
  messages(octets: Uint8Array): Iterable<DecodedMessage>;
  /** Counts for the messages from the next one on, within an iteration too: after an OPEN the rest may look different. */
  setOptions(options: CodecOptions): void;
  /** Octets of a message whose end has not come yet: at most one message of the largest size. */
  pendingOctets(): number;
}

/** A framer of a new connection. */
export function createMessageFramer(initial: CodecOptions): MessageFramer {
  let options = initial;
  let failed = false;
  /** Beginning of a message: first of its header, then, when that has been read, of all of it. */
  let pending: Uint8Array = new Uint8Array(HEADER_LENGTH);
  let filled = 0;

  /** Moves octets into `pending` until that is full. Answers how many. */
  function fill(octets: Uint8Array, offset: number): number {
    const taken = octets.subarray(offset, offset + pending.length - filled);
    pending.set(taken, filled);
    filled += taken.length;
    return taken.length;
  }

  function* messages(octets: Uint8Array): Generator<DecodedMessage> {
    let offset = 0;
    while (!failed && offset < octets.length) {
      const inPlace = filled === 0 ? wholeAt(octets, offset) : null;
      offset += inPlace?.length ?? fill(octets, offset);
      const decoded = inPlace === null ? takePending() : decodeMessage(inPlace, options);
      if (decoded === null) continue;
      failed = !decoded.ok;
      yield decoded;
    }
  }

  /** The message that begins here, if its end is here, too: most are read where they are. */
  function wholeAt(octets: Uint8Array, offset: number): Uint8Array | null {
    if (octets.length - offset < HEADER_LENGTH) return null;
    const header = decodeHeader(octets.subarray(offset, offset + HEADER_LENGTH), options);
    if (!header.ok || octets.length - offset < header.header.length) return null;
    return octets.subarray(offset, offset + header.header.length);
  }

  /** The message in `pending`; null when there is more to come. */
  function takePending(): DecodedMessage | null {
    if (filled < pending.length) return null;
    if (filled === HEADER_LENGTH) {
      const header = decodeHeader(pending, options);
      if (!header.ok) return header;
      if (header.header.length > HEADER_LENGTH) {
        const begun = pending;
        pending = new Uint8Array(header.header.length);
        pending.set(begun);
        return null;
      }
    }
    const whole = pending;
    pending = new Uint8Array(HEADER_LENGTH);
    filled = 0;
    return decodeMessage(whole, options);
  }

  return {
    messages,
    setOptions(next) {
      options = next;
    },
    pendingOctets: () => filled,
  };
}
