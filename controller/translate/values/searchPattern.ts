import { RE2JS } from 're2js';
import { accept, refuse, type Parsed } from './parsed.ts';

/** Bounds what RE2 has to compile; a pattern as long as this is a machine-made list that a header value serves better. */
const MAX_PATTERN_CHARS = 512;
/**
 * RE2 takes time in proportion to instructions times characters of the value. Repetitions multiply instructions
 * (`(a{1,30}){30}` has 1771); this many cost some 100 ms on the longest header value, patterns people write have under 100.
 */
const MAX_INSTRUCTIONS = 500;

/** An RE2 pattern: linear in time whatever the header says, which PCRE (ingress-nginx) is not. */
export function parseSearchPattern(text: string): Parsed<string> {
  if (text.length > MAX_PATTERN_CHARS) return refuse(`must be a pattern of at most ${MAX_PATTERN_CHARS} characters`);
  try {
    const size = RE2JS.compile(text).programSize();
    if (size <= MAX_INSTRUCTIONS) return accept(text);
    return refuse(`must be simpler: repetitions make ${size} steps of it, ${MAX_INSTRUCTIONS} are allowed`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown fault';
    return refuse(`must be an RE2 pattern: ${reason.slice(0, 100)}`);
  }
}
