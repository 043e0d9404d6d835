import { RE2JS } from 're2js';
import { accept, refuse, type Parsed } from './parsed.ts';

/** Bounds the program RE2 builds; longer patterns in public manifests are machine-made lists that a header value serves better. */
const MAX_PATTERN_CHARS = 512;

/** An RE2 pattern: linear in time whatever the header says, which PCRE (ingress-nginx) is not. */
export function parseSearchPattern(text: string): Parsed<string> {
  if (text.length > MAX_PATTERN_CHARS) return refuse(`must be a pattern of at most ${MAX_PATTERN_CHARS} characters`);
  try {
    RE2JS.compile(text);
    return accept(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown fault';
    return refuse(`must be an RE2 pattern: ${reason.slice(0, 100)}`);
  }
}
