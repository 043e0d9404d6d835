import { readFileSync } from 'node:fs';
import { readRequest, type RawRequest } from '../support/rawRequest.ts';

/** One line of test/cases/h1.jsonl; each char of `raw` is one octet. */
export interface SmugglingCase {
  readonly id: string;
  readonly title: string;
  readonly raw: string;
  /**
   * reject400: status 400 and the connection closed; reject_any4xx_or_close: a 4xx, 501, 505 or a close, and no complete
   * request at a backend; forward: the backend sees exactly the requests sent; either_but_no_smuggle: one of both, and
   * what is forwarded has one reading. "strict: 400" in the note: 400 it must be.
   */
  readonly expect: 'reject400' | 'reject_any4xx_or_close' | 'forward' | 'either_but_no_smuggle';
  readonly note: string;
}

/** All cases, in the order of the file. */
export const CASES: readonly SmugglingCase[] = readFileSync(new URL('../cases/h1.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as SmugglingCase);

/** The requests that stand at the start of `raw` by a lenient reading, up to what is none. */
export function requestsIn(raw: string): RawRequest[] {
  const requests: RawRequest[] = [];
  let rest = raw;
  for (;;) {
    const reading = readRequest(rest, { lenient: true });
    if (reading.type !== 'request') return requests;
    requests.push(reading.request);
    rest = rest.slice(reading.bytes);
  }
}
