import { isAlias, isMap, isScalar, isSeq, type Document, type YAMLMap } from 'yaml';

/**
 * Offset in a document's text of a field path such as `spec.rules[0].host` or `metadata.annotations[a.test/b]`: of the
 * key in a map, of the item in a list; of the nearest existing parent when the field is absent. Keys that hold dots may
 * stand in brackets or not.
 */
export function fieldOffset(tree: Document.Parsed, field: string): number {
  let node: unknown = tree.contents;
  let offset = tree.contents?.range[0] ?? tree.range[0];
  let rest = field;
  while (rest !== '') {
    const step = isSeq(node) ? stepIntoList(node.items, rest) : isMap(node) ? stepIntoMap(node, rest) : null;
    if (step === null) return offset;
    offset = step.offset ?? offset;
    node = isAlias(step.node) ? step.node.resolve(tree) : step.node;
    rest = step.rest.startsWith('.') ? step.rest.slice(1) : step.rest;
  }
  return offset;
}

interface Step {
  readonly node: unknown;
  readonly offset: number | null;
  /** What is left of the path. */
  readonly rest: string;
}

function stepIntoList(items: readonly unknown[], path: string): Step | null {
  const match = /^\[(\d{1,9})\]/.exec(path);
  if (match?.[1] === undefined) return null;
  const node = items[Number(match[1])];
  return node === undefined ? null : { node, offset: startOf(node), rest: path.slice(match[0].length) };
}

/** The longest key that the path begins with, as a key may itself hold dots. */
function stepIntoMap(map: YAMLMap, path: string): Step | null {
  let found: Step | null = null;
  for (const pair of map.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    const rest = restAfter(path, key);
    if (key === '' || rest === null || (found !== null && found.rest.length <= rest.length)) continue;
    found = { node: pair.value, offset: startOf(pair.key), rest };
  }
  return found;
}

function restAfter(path: string, key: string): string | null {
  if (path.startsWith(`[${key}]`)) return path.slice(key.length + 2);
  if (!path.startsWith(key)) return null;
  const next = path[key.length];
  return next === undefined || next === '.' || next === '[' ? path.slice(key.length) : null;
}

function startOf(node: unknown): number | null {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return null;
  return typeof node.range[0] === 'number' ? node.range[0] : null;
}
