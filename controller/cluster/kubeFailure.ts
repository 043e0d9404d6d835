import type { IncomingHttpHeaders } from 'node:http';
import { KubeError, type KubeErrorCode, type KubeRequest } from './kubeApi.ts';

const MAX_MESSAGE_CHARS = 500;
/** Ours: nobody means more than an hour. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** The error for an answer other than 2xx. `body` is what it carried, a Status object if the API server wrote it. */
export function failureOfAnswer(
  request: Pick<KubeRequest, 'method' | 'path'>,
  answer: { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string },
  nowMs: number,
): KubeError {
  const status = readStatus(parseQuietly(answer.body));
  const reason = status.reason === '' ? '' : ` ${status.reason}`;
  const message = status.message === '' ? '' : `: ${status.message}`;
  const retryAfterMs = retryAfter(answer.headers['retry-after'], nowMs) ?? status.retryAfterMs;
  const text = `${request.method} ${request.path}: ${answer.status}${reason}${message}`;
  return new KubeError(codeOf(answer.status), text, { status: answer.status, retryAfterMs });
}

/** The error that an ERROR event of a watch carries. */
export function failureOfStatus(object: unknown): KubeError {
  const { code, reason, message, retryAfterMs } = readStatus(object);
  const text = `the watch ended: ${[code ?? '', reason].join(' ').trim()}${message === '' ? '' : `: ${message}`}`;
  const kubeCode = reason === 'Expired' || reason === 'Gone' ? 'gone' : codeOf(code ?? 500);
  return new KubeError(kubeCode, text, { ...(code === null ? {} : { status: code }), retryAfterMs });
}

/** The error for a request that got no complete answer. */
export function failureOfConnection(request: Pick<KubeRequest, 'method' | 'path'>, error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  const text = error instanceof Error ? error.message || codeText(error) : String(error);
  return new KubeError('unreachable', `${request.method} ${request.path}: ${printable(text)}`, { cause: error });
}

/** An AggregateError of several refused connections has no message. */
function codeText(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function codeOf(status: number): KubeErrorCode {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'notFound';
    case 408:
      return 'timeout';
    case 409:
      return 'conflict';
    case 410:
      return 'gone';
    case 429:
      return 'tooManyRequests';
    default:
      return status >= 400 && status < 500 ? 'invalid' : 'server';
  }
}

interface StatusFields {
  readonly code: number | null;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

/** The fields of a metav1.Status that are used; of anything else, none. */
function readStatus(value: unknown): StatusFields {
  const code = fieldOf(value, 'code');
  const seconds = fieldOf(fieldOf(value, 'details'), 'retryAfterSeconds');
  return {
    code: typeof code === 'number' && Number.isInteger(code) ? code : null,
    reason: printable(fieldOf(value, 'reason')),
    message: printable(fieldOf(value, 'message')),
    retryAfterMs: typeof seconds === 'number' && seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : null,
  };
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** One line of bounded length; empty for what is no text. */
function printable(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_MESSAGE_CHARS).replace(/[\s\p{Cc}]+/gu, ' ').trim() : '';
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3). */
function retryAfter(field: string | undefined, nowMs: number): number | null {
  if (field === undefined) return null;
  const waitMs = /^\d{1,9}$/.test(field) ? Number(field) * 1000 : Date.parse(field) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(0, waitMs), MAX_RETRY_AFTER_MS);
}

function parseQuietly(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
