import { entryOf, isPlainMap, type PlainMap } from '../../decode/plainMap.ts';

/** One object of a document. */
export interface ListItem {
  readonly value: unknown;
  /** Field path in the document, `items[3]`; empty when the document is the object. */
  readonly path: string;
}

/** Lists inside lists (ours); kubectl writes none. */
const MAX_LIST_DEPTH = 3;

const LIST_SUFFIX = 'List';

/**
 * The objects of a parsed document: itself, or the items of a `List` or of a typed list such as `IngressList`, whose
 * items may leave out what the list's kind says. A document without content has none.
 */
export function expandList(value: unknown, path = '', depth = 0): ListItem[] {
  if (value === null && path === '') return [];
  if (!isPlainMap(value) || depth >= MAX_LIST_DEPTH) return [{ value, path }];
  const kind = entryOf(value, 'kind');
  if (typeof kind !== 'string' || !kind.endsWith(LIST_SUFFIX) || (kind !== LIST_SUFFIX && !Object.hasOwn(value, 'items'))) {
    return [{ value, path }];
  }
  const items = entryOf(value, 'items') ?? [];
  const itemsPath = path === '' ? 'items' : `${path}.items`;
  // Decoding says what is wrong with items that are no list.
  if (!Array.isArray(items)) return [{ value: items, path: itemsPath }];
  return items.flatMap((item: unknown, index) =>
    expandList(typedItem(value, item, kind), `${itemsPath}[${index}]`, depth + 1),
  );
}

function typedItem(list: PlainMap, item: unknown, kind: string): unknown {
  if (kind === LIST_SUFFIX || !isPlainMap(item) || entryOf(item, 'kind') !== undefined) return item;
  return { apiVersion: entryOf(list, 'apiVersion'), ...item, kind: kind.slice(0, -LIST_SUFFIX.length) };
}
