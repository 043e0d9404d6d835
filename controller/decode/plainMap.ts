/** A parsed YAML or JSON mapping. Read it with `entryOf` only: its keys come from outside. */
export type PlainMap = Readonly<Record<string, unknown>>;

/** True for what a YAML mapping or a JSON object is parsed to. */
export function isPlainMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The map's own value for `key`; undefined when it is absent or null, which mean the same in Kubernetes. */
export function entryOf(map: PlainMap, key: string): unknown {
  return Object.hasOwn(map, key) ? (map[key] ?? undefined) : undefined;
}
