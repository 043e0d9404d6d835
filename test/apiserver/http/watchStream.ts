import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from '../apiError.ts';
import type { KubeObject } from '../json.ts';
import { versionOf } from '../resourceType.ts';
import { partialOf, tableOf } from '../tables/tableOf.ts';
import { listOptionsOf, type ResourceRequest } from './resourceRequest.ts';
import { watchObjects, type OutgoingEvent, type Watch } from '../watch/watchObjects.ts';
import { negotiate, type Form } from './negotiate.ts';
import { jsonOf } from './respond.ts';

/** A client that reads so slowly is cut off, as the API server does with slow watchers. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** Watches without timeoutSeconds end after this, as the API server's do after 30 to 60 minutes. */
const DEFAULT_TIMEOUT_SECONDS = 1800;

/** So long before a watch times out it gets one more bookmark, as from the real server. */
const BOOKMARK_BEFORE_END_MS = 2000;

/** An open watch, for faults and the end of the server. */
export interface OpenWatch {
  cut(): void;
  expire(): void;
}

/** What the streams share. */
export interface WatchStreams {
  readonly open: Set<OpenWatch>;
  readonly bookmarkIntervalMs: number;
  readonly delayMs: () => number;
  readonly goneByStatus: () => boolean;
  readonly answered: () => void;
}

/** Answers a watch; the stream goes on after this returns. Throws ApiError where it cannot begin. */
export function answerWatch(resource: ResourceRequest, streams: WatchStreams): void {
  const { engine, target, query, request, response } = resource;
  const form = negotiate((request.headers.accept ?? '').replaceAll(';stream=watch', ''));
  const options = listOptionsOf(query);
  const queue = eventQueue(resource, form, streams);
  const early: OutgoingEvent[] = [];
  let send = (event: OutgoingEvent): void => void early.push(event);
  const state = { started: false, ended: false };
  const watch = watchObjects(engine, target, options, {
    send: (event) => send(event),
    ended() {
      state.ended = true;
      if (state.started) queue.end();
    },
  });
  if (state.ended && streams.goneByStatus()) throw Object.assign(new Error('gone'), { gone: early[0]?.object });
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
  response.flushHeaders();
  streams.answered();
  for (const event of early) queue.push(event);
  state.started = true;
  send = (event) => queue.push(event);
  if (state.ended) queue.end();
  else keepOpen(resource, streams, watch, options.timeoutSeconds === 0 ? DEFAULT_TIMEOUT_SECONDS : options.timeoutSeconds);
}

function keepOpen({ response }: ResourceRequest, streams: WatchStreams, watch: Watch, timeoutSeconds: number): void {
  const bookmarks = setInterval(() => watch.bookmark(), streams.bookmarkIntervalMs);
  const last = setTimeout(() => watch.bookmark(), Math.max(0, timeoutSeconds * 1000 - BOOKMARK_BEFORE_END_MS));
  const timeout = setTimeout(() => response.end(), timeoutSeconds * 1000);
  const open: OpenWatch = { cut: () => response.destroy(), expire: () => watch.expire() };
  streams.open.add(open);
  response.on('close', () => {
    clearInterval(bookmarks);
    clearTimeout(last);
    clearTimeout(timeout);
    watch.stop();
    streams.open.delete(open);
  });
}

/** Writes events in order, delayed where a fault says so. */
function eventQueue(resource: ResourceRequest, form: Form, streams: WatchStreams): { push(event: OutgoingEvent): void; end(): void } {
  const { response } = resource;
  const encode = encoder(resource, form);
  const write = (event: OutgoingEvent): void => {
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
    else if (response.writable) response.write(`${encode(event)}\n`);
  };
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  let last: Promise<void> | null = null;
  const after = (act: () => void, delayMs: number): void => {
    const done = (last ?? Promise.resolve()).then(async () => {
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: controller.signal });
      act();
    }).catch(() => undefined).then(() => {
      if (last === done) last = null;
    });
    last = done;
  };
  return {
    push(event) {
      const delayMs = streams.delayMs();
      if (delayMs === 0 && last === null) write(event);
      else after(() => write(event), delayMs);
    },
    end() {
      if (last === null) response.end();
      else after(() => response.end(), 0);
    },
  };
}

function encoder({ engine, target, query }: ResourceRequest, form: Form): (event: OutgoingEvent) => string {
  const { columns } = versionOf(target.type, target.version);
  let first = true;
  return ({ type, object }) => {
    if (type === 'ERROR' || form.as === 'object') return `{"type":"${type}","object":${jsonOf(object)}}`;
    const kube = object as KubeObject;
    if (form.as === 'metadata') return JSON.stringify({ type, object: partialOf(kube) });
    const metadata = { resourceVersion: kube.metadata.resourceVersion };
    const include = query.get('includeObject') ?? 'Metadata';
    const rows = type === 'BOOKMARK' ? { ...tableOf(columns, [kube], { include, metadata, nowMs: engine.now(), withColumns: first }) }
      : tableOf(columns, [kube], { include, metadata, nowMs: engine.now(), withColumns: first });
    first = false;
    return JSON.stringify({ type, object: rows });
  };
}

/** The Status of a watch that a fault wants refused by status; null: another error. */
export function goneStatusOf(error: unknown): object | null {
  if (!(error instanceof Error) || !('gone' in error)) return null;
  return (error.gone as object | undefined) ?? statusOf(error);
}
