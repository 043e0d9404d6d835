/**
 * Everything that is no letter, mark, number, punctuation, symbol or plain space: controls, directions, line ends,
 * what is not assigned.
 */
const UNREADABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * UTF-8 text from a peer, fit for a log line and a terminal: control characters and the like become `?`. Null: it is
 * not UTF-8.
 */
export function readableText(octets: Uint8Array): string | null {
  try {
    return decoder.decode(octets).replace(UNREADABLE, '?');
  } catch (error) {
    // The one way in which a fatal decoder says that octets are not UTF-8.
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** As many whole characters of a text as fit in `maxOctets` octets of UTF-8. */
export function utf8UpTo(text: string, maxOctets: number): Uint8Array {
  const octets = new Uint8Array(maxOctets);
  return octets.slice(0, new TextEncoder().encodeInto(text, octets).written);
}
