import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExposition } from './parseExposition.ts';

test('families, escaped labels and special values are read', () => {
  const families = parseExposition(
    '# HELP a_total Some help.\n# TYPE a_total counter\na_total{x="q\\"b\\\\s\\nl",y=""} 1.5e+21\n\n' +
      '# HELP b B\n# TYPE b gauge\nb +Inf\n',
  );
  assert.equal(families.get('a_total')?.samples[0]?.labels.get('x'), 'q"b\\s\nl');
  assert.equal(families.get('a_total')?.samples[0]?.value, 1.5e21);
  assert.equal(families.get('b')?.samples[0]?.value, Infinity);
});

const HEAD = '# HELP a A\n# TYPE a gauge\n';
const HISTOGRAM = '# HELP h H\n# TYPE h histogram\n';
const BROKEN: readonly (readonly [string, string])[] = [
  ['no line feed at the end', `${HEAD}a 1`],
  ['a sample without family', 'a 1\n'],
  ['a sample of another family', `${HEAD}b 1\n`],
  ['a family twice', `${HEAD}a 1\n${HEAD}`],
  ['the same sample twice', `${HEAD}a{x="1",y="2"} 1\na{y="2",x="1"} 2\n`],
  ['a label twice', `${HEAD}a{x="1",x="2"} 1\n`],
  ['an unescaped quote', `${HEAD}a{x="a"b"} 1\n`],
  ['an unknown escape', `${HEAD}a{x="\\t"} 1\n`],
  ['labels not closed', `${HEAD}a{x="1" 1\n`],
  ['no value', `${HEAD}a\n`],
  ['two values', `${HEAD}a 1 2\n`],
  ['a value that is no number', `${HEAD}a undefined\n`],
  ['an unknown type', '# HELP a A\n# TYPE a thing\n'],
  ['falling buckets', `${HISTOGRAM}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`],
  ['no last bucket', `${HISTOGRAM}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`],
  ['a count that is not the last bucket', `${HISTOGRAM}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`],
];

for (const [what, text] of BROKEN) {
  test(`${what} is refused`, () => assert.throws(() => parseExposition(text), Error));
}
