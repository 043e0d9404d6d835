const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENERS = new Set([0x5b, 0x7b]);
const CLOSERS = new Set([0x5d, 0x7d]);

/**
 * True when lists and maps of a JSON text are nested at most `max` deep. Looks at each octet once and keeps nothing; says
 * nothing about whether the text is JSON at all.
 */
export function isWithinDepth(text: Buffer, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const octet = text[at] ?? 0;
    if (inString) {
      if (octet === BACKSLASH) at += 1;
      else if (octet === QUOTE) inString = false;
    } else if (octet === QUOTE) inString = true;
    else if (OPENERS.has(octet)) depth += 1;
    else if (CLOSERS.has(octet)) depth -= 1;
    if (depth > max) return false;
  }
  return true;
}
