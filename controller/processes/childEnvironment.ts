/** What a child may need of the controller's environment: time zone and resolver settings. No tokens, no NODE_OPTIONS. */
const INHERITED = ['TZ', 'RES_OPTIONS', 'LOCALDOMAIN'];

/** Ours: threads for name resolution, crypto and file reads beside the log writers. */
const FREE_POOL_THREADS = 8;
/** libuv's ceiling. */
const MOST_POOL_THREADS = 1024;

/**
 * The whole environment of a proxy process with `workers` threads. Each thread, and the main one, may have one write of
 * its access log and one of its log blocked by a reader that stalls; the thread pool is large enough for all of them to
 * block while names still resolve.
 */
export function proxyEnvironment(workers: number, parent: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const poolThreads = Math.min(MOST_POOL_THREADS, 2 * (workers + 1) + FREE_POOL_THREADS);
  return { ...inherited(parent), UV_THREADPOOL_SIZE: String(poolThreads) };
}

/** What an announcer process finds where. */
export interface AnnouncerPlaces {
  /** Folders of `nft` and others. */
  readonly folders: readonly string[];
  /** A folder of its own for compiled code, which halves the time of its next start; null: none. */
  readonly codeCache: string | null;
}

/** The whole environment of an announcer process. */
export function announcerEnvironment({ folders, codeCache }: AnnouncerPlaces, parent: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { ...inherited(parent), PATH: folders.join(':'), ...(codeCache === null ? {} : { NODE_COMPILE_CACHE: codeCache }) };
}

function inherited(parent: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(INHERITED.flatMap((name) => parent[name] === undefined ? [] : [[name, parent[name]] as const]));
}
