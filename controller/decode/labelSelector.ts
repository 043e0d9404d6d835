import type { FieldReader } from './fieldReader.ts';
import { LABEL_KEY, LABEL_VALUE } from './textForm.ts';
import { reportUnknownFields } from './unknownFields.ts';
import type { LabelSelector } from '../model/objectBase.ts';

type Requirement = LabelSelector['matchExpressions'][number];

const OPERATORS: readonly Requirement['operator'][] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** Bounds of our CRDs: selectors in one list, labels and expressions of one selector, values of one expression. */
export const SELECTOR_BOUNDS = { selectors: 64, labels: 64, expressions: 64, values: 64 } as const;

/** A list of selectors. Any fault costs the element they belong to: without one of them the list would mean something else. */
export function decodeLabelSelectors(reader: FieldReader, key: string): LabelSelector[] {
  const selectors = reader.parts(key, SELECTOR_BOUNDS.selectors).map(decodeLabelSelector);
  const seen = new Set<string>();
  for (const [index, selector] of selectors.entries()) {
    const print = printSelector(selector);
    if (seen.has(print)) reader.fail(`${key}[${index}]`, 'must differ from the other selectors', print);
    seen.add(print);
  }
  return selectors;
}

/** metav1.LabelSelector with the rules of apimachinery: In and NotIn need values, Exists and DoesNotExist must have none. */
export function decodeLabelSelector(selector: FieldReader): LabelSelector {
  reportUnknownFields(selector, ['matchLabels', 'matchExpressions']);
  const matchLabels = selector.textMap('matchLabels', { key: LABEL_KEY, value: LABEL_VALUE }, null);
  if (matchLabels.size > SELECTOR_BOUNDS.labels) {
    selector.fail('matchLabels', `must have at most ${SELECTOR_BOUNDS.labels} entries`, matchLabels.size);
  }
  const expressions = selector.parts('matchExpressions', SELECTOR_BOUNDS.expressions);
  return { matchLabels, matchExpressions: expressions.map(decodeRequirement) };
}

function decodeRequirement(reader: FieldReader): Requirement {
  reportUnknownFields(reader, ['key', 'operator', 'values']);
  const key = reader.requiredText('key', LABEL_KEY);
  if (!reader.has('operator')) reader.fail('operator', `must be set: ${OPERATORS.join(', ')}`);
  const operator = reader.choice('operator', OPERATORS) ?? 'Exists';
  const values = reader.allTexts('values', LABEL_VALUE, SELECTOR_BOUNDS.values);
  if (reader.failed) return { key, operator, values };
  const needsValues = operator === 'In' || operator === 'NotIn';
  if (needsValues && values.length === 0) reader.fail('values', `must have a value with operator ${operator}`);
  if (!needsValues && values.length > 0) reader.fail('values', `must be empty with operator ${operator}`);
  return { key, operator, values };
}

/** The same text for selectors that mean the same. */
function printSelector({ matchLabels, matchExpressions }: LabelSelector): string {
  const labels = [...matchLabels].map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values }) => `${key} ${operator} (${values.toSorted().join(',')})`);
  return [...labels.toSorted(), ...expressions.toSorted()].join('; ');
}
