import type { FieldReader } from './fieldReader.ts';

/** Unknown fields of one map that are named one by one. */
const MAX_NAMED = 20;
const MAX_KEY_CHARS = 60;

/** Warns of fields that mean nothing: the API server prunes them without a word, manifest files keep slips such as `autoassign`. */
export function reportUnknownFields(reader: FieldReader, known: readonly string[]): void {
  const unknown = reader.keys().filter((key) => !known.includes(key));
  for (const key of unknown.slice(0, MAX_NAMED)) {
    const name = key.slice(0, MAX_KEY_CHARS);
    const rule = `must be one of ${known.join(', ')}`;
    reader.report({ severity: 'warning', field: reader.path(name), rule, value: name, effect: 'it is ignored' });
  }
}
