import { ownField, versionOf } from './rawObject.ts';
import type { WatchCommand } from './reflectorMachine.ts';
import { KubeError, type KubeApi, type KubeRequest } from '../../cluster/kubeApi.ts';
import { resourcePath, type Resource } from '../../cluster/resources.ts';

/** One page of what is there. */
export interface Page {
  readonly items: readonly unknown[];
  /** Empty: the last page. */
  readonly continueToken: string;
  /** Where a watch goes on from; empty when the answer does not say. */
  readonly resourceVersion: string;
}

/** What a reflector follows: a collection, or one object by its name. */
export interface ReflectorTarget {
  /** For messages: the path. */
  readonly name: string;
  /** Reads what is there now; throws KubeError. */
  read(api: KubeApi, continueToken: string, signal: AbortSignal): Promise<Page>;
  watch(command: WatchCommand): KubeRequest;
}

/** Objects per page; ours, as client-go. */
const PAGE_OBJECTS = 500;
/** A page of large objects from a busy API server takes its time. */
const LIST_TIMEOUT_MS = 60_000;

/** All objects of a resource, in one namespace or (empty) in all. */
export function collectionTarget(resource: Resource, namespace: string): ReflectorTarget {
  const path = resourcePath(resource, { namespace });
  return {
    name: path,
    read: async (api, continueToken, signal) => {
      const query = { limit: String(PAGE_OBJECTS), ...(continueToken === '' ? {} : { continue: continueToken }) };
      return readPage(path, await api.request({ method: 'GET', path, query, signal, timeoutMs: LIST_TIMEOUT_MS }));
    },
    watch: (command) => ({ method: 'GET', path, query: watchQuery(command) }),
  };
}

/** One object, read by GET and followed by a watch that selects it: RBAC need not allow listing. */
export function namedTarget(resource: Resource, place: { readonly namespace: string; readonly name: string }): ReflectorTarget {
  const path = resourcePath(resource, place);
  const collection = resourcePath(resource, { namespace: place.namespace });
  return {
    name: path,
    read: async (api, _continueToken, signal) => {
      const items = await api.request({ method: 'GET', path, signal }).then((object) => [object], absentIsEmpty);
      // An object's own version may be older than what the API server remembers: it is nothing to watch from.
      return { items, continueToken: '', resourceVersion: '' };
    },
    watch: (command) => ({
      method: 'GET',
      path: collection,
      query: { ...watchQuery(command), fieldSelector: `metadata.name=${place.name}` },
    }),
  };
}

function absentIsEmpty(error: unknown): readonly unknown[] {
  if (error instanceof KubeError && error.code === 'notFound') return [];
  throw error;
}

function watchQuery({ resourceVersion, timeoutSeconds }: WatchCommand): Record<string, string> {
  const from = resourceVersion === '' ? {} : { resourceVersion };
  return { watch: '1', allowWatchBookmarks: 'true', timeoutSeconds: String(timeoutSeconds), ...from };
}

function readPage(path: string, answer: unknown): Page {
  const items = ownField(answer, 'items');
  const token = ownField(ownField(answer, 'metadata'), 'continue');
  // Go writes an empty list as null.
  if (!Array.isArray(items) && items !== null) throw new KubeError('server', `LIST ${path}: the answer is no list`);
  return { items: items ?? [], continueToken: typeof token === 'string' ? token : '', resourceVersion: versionOf(answer) };
}
