/**
 * Remembers the last result for each object as long as the object lives and `context` stays the same object. Objects and
 * contexts are immutable (a change is a new object), so identity says it all.
 */
export function memoizeByObject<K extends object, C, V>(compute: (key: K, context: C) => V): (key: K, context: C) => V {
  const remembered = new WeakMap<K, { readonly context: C; readonly value: V }>();
  return (key, context) => {
    const entry = remembered.get(key);
    if (entry !== undefined && entry.context === context) return entry.value;
    const value = compute(key, context);
    remembered.set(key, { context, value });
    return value;
  };
}
