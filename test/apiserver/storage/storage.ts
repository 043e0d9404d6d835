import type { KubeObject } from '../json.ts';

/** One committed change of an object. */
export interface StoredEvent {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** `namespace/name`, or `name` of what has no namespace. */
  readonly key: string;
  /** After the change; of DELETED: the last state, with the revision of the deletion. */
  readonly object: KubeObject;
  readonly previous: KubeObject | null;
}

/** What is stored, by table (`group/plural`) and key, with the history of each table. All synchronous: a change is one step. */
export interface Storage {
  /** Of the last change of anything. */
  revision(): number;
  get(table: string, key: string): KubeObject | undefined;
  /** Sorted by key; only keys that begin with `prefix`. */
  list(table: string, prefix: string): readonly KubeObject[];
  /** The same as it was at `revision`; null when that is compacted. */
  listAt(table: string, prefix: string, revision: number): readonly KubeObject[] | null;
  /** Stores a new or changed object; gives it its resourceVersion. */
  put(table: string, key: string, object: KubeObject): KubeObject;
  remove(table: string, key: string): KubeObject | undefined;
  /** Changes after `revision`, oldest first; null when some of them are compacted. */
  since(table: string, revision: number): readonly StoredEvent[] | null;
  /** Called right after each change of `table`. Returns what ends it. */
  subscribe(table: string, listener: (event: StoredEvent) => void): () => void;
  /** Forgets all history. */
  compact(): void;
  tables(): readonly string[];
}

interface Table {
  readonly objects: Map<string, KubeObject>;
  sorted: readonly string[] | null;
  log: StoredEvent[];
  compacted: number;
  readonly listeners: Set<(event: StoredEvent) => void>;
}

/** An empty storage. Each table keeps at least `historyLimit` changes, at most twice as many. */
export function createStorage(historyLimit: number): Storage {
  const tables = new Map<string, Table>();
  let revision = 1;
  const tableOf = (name: string): Table => {
    let table = tables.get(name);
    if (table === undefined) {
      table = { objects: new Map(), sorted: null, log: [], compacted: 0, listeners: new Set() };
      tables.set(name, table);
    }
    return table;
  };
  const commit = (table: Table, event: StoredEvent): void => {
    if (event.type !== 'MODIFIED') table.sorted = null;
    table.log.push(event);
    if (table.log.length > 2 * historyLimit) {
      const dropped = table.log.splice(0, table.log.length - historyLimit);
      table.compacted = dropped.at(-1)?.revision ?? table.compacted;
    }
    for (const listener of table.listeners) listener(event);
  };
  return {
    revision: () => revision,
    get: (name, key) => tables.get(name)?.objects.get(key),
    list: (name, prefix) => select(tableOf(name), prefix),
    listAt(name, prefix, wanted) {
      const table = tableOf(name);
      if (wanted < table.compacted) return null;
      return wanted >= (table.log.at(-1)?.revision ?? 0) ? select(table, prefix) : select(rewind(table, wanted), prefix);
    },
    put(name, key, object) {
      const table = tableOf(name);
      const previous = table.objects.get(key) ?? null;
      revision += 1;
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
      table.objects.set(key, stored);
      commit(table, { revision, type: previous === null ? 'ADDED' : 'MODIFIED', key, object: stored, previous });
      return stored;
    },
    remove(name, key) {
      const table = tableOf(name);
      const previous = table.objects.get(key);
      if (previous === undefined) return undefined;
      revision += 1;
      table.objects.delete(key);
      const object = { ...previous, metadata: { ...previous.metadata, resourceVersion: String(revision) } };
      commit(table, { revision, type: 'DELETED', key, object, previous });
      return object;
    },
    since(name, wanted) {
      const table = tableOf(name);
      if (wanted < table.compacted) return null;
      const first = table.log.findIndex((event) => event.revision > wanted);
      return first < 0 ? [] : table.log.slice(first);
    },
    subscribe(name, listener) {
      const { listeners } = tableOf(name);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    compact() {
      for (const table of tables.values()) {
        table.log = [];
        table.compacted = revision;
      }
    },
    tables: () => [...tables.keys()],
  };
}

function select(table: Pick<Table, 'objects' | 'sorted'>, prefix: string): readonly KubeObject[] {
  // Byte order, as etcd has it; names are ASCII.
  table.sorted ??= [...table.objects.keys()].toSorted((one, other) => (one < other ? -1 : 1));
  const found: KubeObject[] = [];
  for (const key of table.sorted) {
    const object = key.startsWith(prefix) ? table.objects.get(key) : undefined;
    if (object !== undefined) found.push(object);
  }
  return found;
}

function rewind(table: Table, revision: number): Pick<Table, 'objects' | 'sorted'> {
  const objects = new Map(table.objects);
  for (const event of table.log.toReversed()) {
    if (event.revision <= revision) break;
    if (event.previous === null) objects.delete(event.key);
    else objects.set(event.key, event.previous);
  }
  return { objects, sorted: null };
}
