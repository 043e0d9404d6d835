import type { RetryPolicy } from '../../../core/ir/virtualHost.ts';
import { accept, refuse, type Parsed } from './parsed.ts';

/** Conditions of `proxy-next-upstream`. */
export type RetryConditions = RetryPolicy['on'];

/** Statuses nginx's proxy_next_upstream knows. */
const STATUSES = new Map([403, 404, 429, 500, 502, 503, 504].map((status) => [`http_${status}`, status]));
const FLAGS: ReadonlySet<string> = new Set(['error', 'timeout', 'invalid_header', 'non_idempotent', 'off']);

/** nginx's proxy_next_upstream words between spaces; `off` alone turns every retry off. */
export function parseNextUpstream(text: string): Parsed<RetryConditions> {
  const words = new Set(text.trim().split(/\s+/));
  for (const word of words) {
    if (FLAGS.has(word) || STATUSES.has(word)) continue;
    const known = [...FLAGS, ...STATUSES.keys()].join(', ');
    return refuse(`must hold ${known} between spaces; ${JSON.stringify(word.slice(0, 40))} is none of them`);
  }
  const off = words.has('off');
  return accept({
    error: !off && words.has('error'),
    timeout: !off && words.has('timeout'),
    invalidHeader: !off && words.has('invalid_header'),
    statuses: off ? [] : [...STATUSES].filter(([word]) => words.has(word)).map(([, status]) => status),
    nonIdempotent: !off && words.has('non_idempotent'),
  });
}
