/** What a request asks of the API server. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the server's address, `/apis/networking.k8s.io/v1/ingresses`; names in it are percent-encoded (resourcePath). */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of PATCH: `merge` is application/merge-patch+json (RFC 7396), `json` application/json-patch+json (RFC 6902). */
  readonly patch?: 'merge' | 'json';
  /** Ends the request; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** For the whole answer of `request`; until the head of the answer of `watch`. Default 30 s. */
  readonly timeoutMs?: number;
  /** Of `watch`: called once the server has accepted it, before any event; what happens from now on will be among them. */
  readonly onOpen?: () => void;
}

/** What kind of refusal or failure it was; the caller decides by it what to do next. */
export type KubeErrorCode =
  /** No connection, or it broke before the answer was complete: try again soon. */
  | 'unreachable'
  /** No answer in time: try again soon. For a write it is not known whether it happened. */
  | 'timeout'
  /** 401: credentials are wrong or expired. */
  | 'unauthorized'
  /** 403: RBAC does not allow it. */
  | 'forbidden'
  /** 404: the object, or the whole kind (CRD not installed), is not there. */
  | 'notFound'
  /** 409 AlreadyExists or Conflict: read again, then decide. */
  | 'conflict'
  /** 410, or a watch ERROR event of that code: the resourceVersion is too old, list again. */
  | 'gone'
  /** 422 or 400: the request is wrong and will stay so. */
  | 'invalid'
  /** 429: wait `retryAfterMs`. */
  | 'tooManyRequests'
  /** 5xx, or an answer that is no JSON or larger than we take. */
  | 'server';

/** A request that did not succeed. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: KubeErrorCode;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** `Retry-After` of the answer; null when there is none. */
  readonly retryAfterMs: number | null;

  constructor(
    code: KubeErrorCode,
    message: string,
    more: { readonly status?: number; readonly retryAfterMs?: number | null; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}

/** One line of a watch: `type` ADDED, MODIFIED, DELETED, BOOKMARK or ERROR; `object` as it came, not decoded yet. */
export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** The API server as everything here sees it: JSON in, JSON out, bounded sizes, KubeError for whatever fails. */
export interface KubeApi {
  /** The parsed body of a 2xx answer. */
  request(request: KubeRequest): Promise<unknown>;
  /**
   * Events of a watch until the server ends it (the iteration ends), the connection breaks or a limit is exceeded (it throws
   * KubeError), or `signal` aborts. The request's path and query are those of a watch already (`watch=1`).
   */
  watch(request: KubeRequest): AsyncIterable<WatchEvent>;
  /** Closes what is kept open. */
  close(): void;
}
