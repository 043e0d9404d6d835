import { list, record, records, text } from '../json.ts';

/** Whether labels fit a LabelSelector object (meta/v1); an absent or empty one fits everything. */
export function matchesLabelSelector(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions } = record(selector);
  const value = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  if (!Object.entries(record(matchLabels)).every(([key, wanted]) => value(key) === wanted)) return false;
  return records(matchExpressions).every((expression) => {
    const found = value(text(expression['key']));
    const isListed = found !== undefined && list(expression['values']).includes(found);
    switch (expression['operator']) {
      case 'In': return isListed;
      case 'NotIn': return !isListed;
      case 'Exists': return found !== undefined;
      case 'DoesNotExist': return found === undefined;
      default: return false;
    }
  });
}
