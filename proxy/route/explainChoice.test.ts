import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterKey } from '../../core/ir/cluster.ts';
import { compileCanarySplit } from './canarySplit.ts';
import { explainChoice } from './explainChoice.ts';
import { canary, onHeader } from './testing/canaries.ts';

test('every outcome has words that name what was compared', () => {
  const header = onHeader({ type: 'pattern', pattern: 'blue' });
  const split = compileCanarySplit({
    type: 'forward',
    primary: 'main' as ClusterKey,
    canaries: [canary('v2', { ...header, cookie: 'try', weight: 20 })],
  });
  const texts = Object.values(split.primaryChoices).map(explainChoice);
  assert.equal(new Set(texts).size, 7);
  assert.ok(texts.every((text) => text.startsWith('primary main: ')));
  const choices = split.canaries[0]?.choices;
  assert.ok(choices !== undefined);
  assert.equal(explainChoice(choices.header), 'canary v2 of Ingress shop/v2: header x-canary matches `blue`');
  assert.equal(explainChoice(choices.cookie), 'canary v2 of Ingress shop/v2: cookie try says `always`');
  assert.match(explainChoice(choices.weight), /20\/100$/);
  assert.match(explainChoice(choices.canarySession), /session of this canary$/);
});
