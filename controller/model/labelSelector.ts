import type { LabelSelector } from './objectBase.ts';

type Requirement = LabelSelector['matchExpressions'][number];

/**
 * True when labels satisfy every part of a selector (metav1.LabelSelector as apimachinery's labels.Selector reads it). The
 * empty selector fits everything. NotIn and DoesNotExist fit labels that lack the key.
 */
export function matchesSelector(selector: LabelSelector, labels: ReadonlyMap<string, string>): boolean {
  for (const [key, value] of selector.matchLabels) if (labels.get(key) !== value) return false;
  return selector.matchExpressions.every((requirement) => meets(requirement, labels));
}

/** True when one of the selectors fits, or when there are none: how lists of selectors are read everywhere. */
export function matchesAnySelector(selectors: readonly LabelSelector[], labels: ReadonlyMap<string, string>): boolean {
  return selectors.length === 0 || selectors.some((selector) => matchesSelector(selector, labels));
}

function meets({ key, operator, values }: Requirement, labels: ReadonlyMap<string, string>): boolean {
  const value = labels.get(key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
