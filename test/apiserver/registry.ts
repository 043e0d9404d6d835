import { tableName, type ResourceType } from './resourceType.ts';

/** The kinds that are served now. */
export interface Registry {
  /** Served version of a resource; undefined: no such path. */
  find(group: string, version: string, plural: string): ResourceType | undefined;
  byKind(group: string, kind: string): ResourceType | undefined;
  all(): readonly ResourceType[];
  set(type: ResourceType): void;
  delete(type: ResourceType): void;
}

/** A registry with these kinds. */
export function createRegistry(builtins: readonly ResourceType[]): Registry {
  const types = new Map(builtins.map((type) => [tableName(type.group, type.plural), type]));
  return {
    find(group, version, plural) {
      const type = types.get(tableName(group, plural));
      return type?.versions.some((one) => one.name === version && one.served) === true ? type : undefined;
    },
    byKind: (group, kind) => [...types.values()].find((type) => type.group === group && type.kind === kind),
    all: () => [...types.values()],
    set: (type) => void types.set(tableName(type.group, type.plural), type),
    delete: (type) => void types.delete(tableName(type.group, type.plural)),
  };
}
