import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { comparable, judge } from './judge.ts';
import { WRITE_MODES } from '../support/rawClient.ts';
import { casesFor, replay, type Replay } from './replay.ts';
import type { BackendKind } from './watchfulBackend.ts';

const KINDS: readonly BackendKind[] = ['raw, closing', 'raw, keep-alive', 'node:http'];

for (const kind of KINDS) {
  suite(`smuggling cases through a backend (${kind})`, () => {
    let result: Replay;
    before(async () => {
      result = await replay(kind);
    });

    for (const smuggling of casesFor(kind)) {
      test(`${smuggling.id}: ${smuggling.title}`, () => {
        const said = comparable(result.outcomeOf(smuggling.id, 'whole'));
        for (const mode of WRITE_MODES) {
          const outcome = result.outcomeOf(smuggling.id, mode);
          try {
            judge(smuggling, outcome, kind);
          } catch (error) {
            throw new Error(`${mode}: ${String(error)}\n${smuggling.note}\n${JSON.stringify(outcome, null, 1).slice(0, 3000)}`, { cause: error });
          }
          assert.deepEqual(comparable(outcome), said, `written ${mode}`);
        }
      });
    }

    test('a probe behind each case gets its own answer', () => {
      assert.deepEqual(result.wrongProbes, []);
    });

    test('the proxy met no fault of its own', () => {
      assert.deepEqual(result.faults, []);
    });

    test('no backend ever saw octets that are no request of the proxy', () => {
      assert.deepEqual(result.violations, []);
    });
  });
}
