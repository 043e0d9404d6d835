import { expired, statusOf } from '../apiError.ts';
import type { KubeObject } from '../json.ts';
import { apiVersionOf, present } from '../resourceType.ts';
import type { Selector } from '../selectors.ts';
import type { StoredEvent } from '../storage/storage.ts';
import type { Engine, Target } from '../verbs/engine.ts';
import { checkListOptions, parseRevision, prefixOf, selectorOf, type ListOptions } from '../verbs/listObjects.ts';

/** One event as it goes to a client. */
export interface OutgoingEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: object;
}

/** A running watch. */
export interface Watch {
  /** Sends a bookmark of the current revision. */
  bookmark(): void;
  /** Sends an ERROR event of 410, after which the caller ends the stream. */
  expire(): void;
  stop(): void;
}

const INITIAL_END = { 'k8s.io/initial-events-end': 'true' };

/**
 * Starts a watch: `send` gets the state there is (where that was asked for), the changes after it, and bookmarks. `ended` is
 * called when nothing more can come: the resourceVersion is too old (an ERROR event has been sent). Throws ApiError for
 * options that make no sense.
 */
export function watchObjects(
  engine: Engine, target: Target, options: ListOptions, sink: { readonly send: (event: OutgoingEvent) => void; readonly ended: () => void },
): Watch {
  checkListOptions(options);
  const { type, version } = target;
  const prefix = prefixOf(target);
  const selector = selectorOf(target, options);
  const from = options.resourceVersion === '' ? 0 : parseRevision(options.resourceVersion);
  const deliver = (event: StoredEvent): void => {
    const outgoing = event.revision > from ? outgoingOf(event, { prefix, selector, target }) : null;
    if (outgoing !== null) sink.send(outgoing);
  };
  const bookmark = (annotations?: object): void => {
    const metadata = { resourceVersion: String(Math.max(engine.storage.revision(), from)), creationTimestamp: null, ...(annotations === undefined ? {} : { annotations }) };
    sink.send({ type: 'BOOKMARK', object: { kind: type.kind, apiVersion: apiVersionOf(type, version), metadata } });
  };
  const withState = options.sendInitialEvents === true || (from === 0 && options.sendInitialEvents !== false);
  let unsubscribe = (): void => {};
  const expire = (): void => {
    unsubscribe();
    sink.send({ type: 'ERROR', object: statusOf(expired(`too old resource version: ${from} (${engine.storage.revision()})`)) });
    sink.ended();
  };
  if (withState) {
    for (const object of engine.storage.list(type.table, prefix)) {
      if (selector(object)) sink.send({ type: 'ADDED', object: present(type, version, object) });
    }
    if (options.sendInitialEvents === true && options.allowWatchBookmarks) bookmark(INITIAL_END);
  } else {
    const missed = from === 0 ? [] : engine.storage.since(type.table, from);
    if (missed === null) {
      expire();
      return { bookmark() {}, expire() {}, stop() {} };
    }
    for (const event of missed) deliver(event);
  }
  unsubscribe = engine.storage.subscribe(type.table, deliver);
  // The watch cache sends nothing that is not newer than where the watch began, bookmarks included.
  const started = withState ? 0 : from;
  return { bookmark: () => (options.allowWatchBookmarks && engine.storage.revision() > started ? bookmark() : undefined), expire, stop: () => unsubscribe() };
}

/** What a change is to somebody who sees only what is selected: entering is ADDED, leaving is DELETED. */
function outgoingOf(
  event: StoredEvent, { prefix, selector, target }: { readonly prefix: string; readonly selector: Selector; readonly target: Target },
): OutgoingEvent | null {
  if (!event.key.startsWith(prefix)) return null;
  const { type, version } = target;
  const show = (object: KubeObject): KubeObject => present(type, version, object);
  const before = event.previous !== null && selector(event.previous);
  const after = event.type !== 'DELETED' && selector(event.object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', object: show(event.object) };
  if (!before) return null;
  if (event.type === 'DELETED' || event.previous === null) return { type: 'DELETED', object: show(event.object) };
  // The last state that was selected, with the revision of the change.
  const { metadata } = event.previous;
  return { type: 'DELETED', object: show({ ...event.previous, metadata: { ...metadata, resourceVersion: String(event.revision) } }) };
}
