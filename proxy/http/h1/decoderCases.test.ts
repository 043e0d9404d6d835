import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { requestLog } from './fixture/eventLog.ts';
import { byLine, byOctet } from './fixture/splittings.ts';

/** One line of test/cases/h1.jsonl; each char of `raw` is one octet. */
interface Case {
  readonly id: string;
  readonly title: string;
  readonly raw: string;
  readonly expect: 'reject400' | 'reject_any4xx_or_close' | 'forward' | 'either_but_no_smuggle';
  readonly note: string;
}

/**
 * Behind an upgrade request that no backend has answered yet, the octets are a request like any other pipelined one.
 */
const CANARY_IS_PIPELINED = new Set(['upg-002', 'upg-003']);
/** A limit of routes, not of the codec: the head passes, and the body that never comes ends in an error. */
const ABOVE_BODY_LIMIT = 'bod-010';
/** What a client may be answered; 502 and the like would blame a backend that was never asked. */
const REFUSALS = new Set([400, 414, 417, 431, 501, 505]);

const CASES = readFileSync(new URL('../../../test/cases/h1.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Case);

suite('cases of test/cases/h1.jsonl', () => {
  for (const { id, title, raw, expect, note } of CASES) {
    test(`${id}: ${title}`, () => {
      const octets = Buffer.from(raw, 'latin1');
      const log = requestLog([octets]);
      assert.deepEqual(requestLog(byOctet(octets)), log, 'one octet per push');
      assert.deepEqual(requestLog(byLine(octets)), log, 'split at every CRLF');
      checkExpectation(expect, log, note);
      checkHeads(log, CANARY_IS_PIPELINED.has(id), id === ABOVE_BODY_LIMIT);
    });
  }
});

function checkExpectation(expect: Case['expect'], log: readonly string[], note: string): void {
  const status = refusalOf(log);
  const said = `${note}\n${log.join('\n')}`;
  switch (expect) {
    case 'reject400':
      assert.equal(status, 400, said);
      assert.equal(log.length, 1, said);
      return;
    case 'reject_any4xx_or_close':
      assert.ok(status !== null && REFUSALS.has(status), said);
      assert.ok(!log.some((line) => line.startsWith('end')), said);
      return;
    case 'forward':
      assert.equal(status, null, said);
      return;
    case 'either_but_no_smuggle':
      assert.ok(status === null || REFUSALS.has(status), said);
      if (note.includes('strict: 400')) assert.equal(status, 400, said);
  }
}

/** Status of the error at the end; null when there is none. */
function refusalOf(log: readonly string[]): number | null {
  const match = /^error (\d+) /.exec(log.at(-1) ?? '');
  return match === null ? null : Number(match[1]);
}

function checkHeads(log: readonly string[], canaryIsPipelined: boolean, isAboveBodyLimit: boolean): void {
  const heads = log.filter((line) => line.startsWith('head'));
  if (!canaryIsPipelined) assert.ok(!heads.some((line) => line.includes('"target":"/smuggled-canary')), log.join('\n'));
  for (const head of heads) assert.match(head, /"authority":"(gw\.test|other\.test|\[::1\])/);
  if (isAboveBodyLimit) assert.match(heads[0] ?? '', /"bytes":1000000000000/);
}
