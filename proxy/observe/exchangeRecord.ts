import { NO_ROUTE, type RouteSubject } from './routeSubject.ts';
import type { AnsweredBy } from './answerReason.ts';
import type { Endpoint } from '../../core/ir/cluster.ts';
import type { Exchange } from '../http/exchange.ts';
import type { UpstreamError } from '../http/upstream.ts';

/** One try at one backend. */
export interface UpstreamTry {
  readonly endpoint: Endpoint;
  /** Octets of response body received. */
  readonly responseLength: number;
  /** From the start of the try to its end; null when it never came to an end. */
  readonly responseTimeMs: number | null;
  /** Null when no response head came. */
  readonly status: number | null;
  /** 0 on a kept connection; null when no connection was opened. */
  readonly connectMs: number | null;
  /** Null when the response was complete. */
  readonly error: UpstreamError['code'] | null;
}

/**
 * Everything that is known of a finished exchange: what the access log prints and what metrics count. Texts are as
 * received, octets as latin1 characters; null where the client sent nothing.
 */
export interface ExchangeRecord {
  /** Address of the client: of the peer, or what a trusted peer says. */
  readonly remoteAddress: string;
  readonly remoteUser: string | null;
  /** Wall clock at the end of the exchange, ms since the epoch. */
  readonly timeMs: number;
  /** Empty when the request could not be read so far; then `target` and `protocol` are too. */
  readonly method: string;
  readonly target: string;
  readonly protocol: string;
  readonly scheme: 'http' | 'https';
  /** Null on plain connections. */
  readonly tlsProtocol: string | null;
  /** Host with optional port, as the client sent it. */
  readonly host: string;
  readonly referer: string | null;
  readonly userAgent: string | null;
  readonly requestId: string;
  /** Status sent to the client; 499 when it went away before there was one. */
  readonly status: number;
  /** Octets received, head included. */
  readonly requestLength: number;
  /** Octets sent, without and with the head. */
  readonly bodyBytesSent: number;
  readonly bytesSent: number;
  /** From the first octet of the request to the last of the response. */
  readonly requestTimeMs: number;
  readonly subject: RouteSubject;
  readonly answeredBy: AnsweredBy;
  /** In the order in which they were made; empty when no backend was asked. */
  readonly tries: readonly UpstreamTry[];
}

/** A record while its exchange is in flight: whoever carries the exchange fills it and hands it on once. */
export type ExchangeDraft = {
  -readonly [K in keyof ExchangeRecord]: K extends 'tries' ? UpstreamTry[] : ExchangeRecord[K];
};

/** A draft of which nothing is known but the peer: for octets that never became a request. */
export function emptyDraft(remoteAddress: string, scheme: 'http' | 'https'): ExchangeDraft {
  // One literal for every draft: they share a hidden class, and readers stay monomorphic.
  return {
    remoteAddress,
    remoteUser: null,
    timeMs: 0,
    method: '',
    target: '',
    protocol: '',
    scheme,
    tlsProtocol: null,
    host: '',
    referer: null,
    userAgent: null,
    requestId: '',
    status: 0,
    requestLength: 0,
    bodyBytesSent: 0,
    bytesSent: 0,
    requestTimeMs: 0,
    subject: NO_ROUTE,
    answeredBy: 'internalError',
    tries: [],
  };
}

/** A draft with all that the request head and the connection say; the rest is filled on the way. */
export function draftOf(exchange: Exchange, requestId: string): ExchangeDraft {
  const { request, client } = exchange;
  const draft = emptyDraft(client.remoteAddress, request.scheme);
  draft.method = request.method;
  draft.target = request.target;
  draft.protocol = request.protocol;
  draft.tlsProtocol = client.tls === null ? null : client.tls.protocol;
  draft.host = request.authority;
  draft.referer = request.fields.get('referer') ?? null;
  draft.userAgent = request.fields.get('user-agent') ?? null;
  draft.requestId = requestId;
  return draft;
}

/** Times of the end of an exchange: `nowMs` of the clock that gave `Exchange.startedAtMs`, `wallMs` since the epoch. */
export interface EndTimes {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** Takes sizes and times over from an exchange that has ended; the draft is then a complete record. */
export function finishDraft(draft: ExchangeDraft, exchange: Exchange, times: EndTimes): ExchangeRecord {
  draft.timeMs = times.wallMs;
  draft.requestTimeMs = Math.max(0, times.nowMs - exchange.startedAtMs);
  draft.requestLength = exchange.requestBytes;
  draft.bodyBytesSent = exchange.responseBodyBytes;
  draft.bytesSent = exchange.responseBytes;
  return draft;
}
