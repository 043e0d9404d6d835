import type { FieldError } from './fieldError.ts';
import { fieldErrorText, fieldErrorType } from './fieldError.ts';
import type { JsonObject } from './json.ts';

/** A refusal that is answered as a Status object (meta/v1). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** Which resource a refusal speaks of: `group` and `plural`, or the kind where the server names that. */
export interface Subject {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

function qualified(name: string, group: string): string {
  return group === '' ? name : `${name}.${group}`;
}

function detailsOf(subject: Subject, name: string, more: JsonObject = {}): JsonObject {
  return { ...(name === '' ? {} : { name }), ...(subject.group === '' ? {} : { group: subject.group }), kind: subject.plural, ...more };
}

/** The Status object of an error; what is no ApiError becomes 500. */
export function statusOf(error: unknown): JsonObject {
  const api = error instanceof ApiError ? error : internalError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return {
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: api.message,
    ...(api.reason === '' ? {} : { reason: api.reason }), ...(api.details === undefined ? {} : { details: api.details }), code: api.code,
  };
}

/** 404 of an object. */
export function notFound(subject: Subject, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(subject.plural, subject.group)} "${name}" not found`, detailsOf(subject, name));
}

/** 404 of a path that names no resource. */
export function noSuchResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 409 of a create. */
export function alreadyExists(subject: Subject, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(subject.plural, subject.group)} "${name}" already exists`, detailsOf(subject, name));
}

/** 409 of a write; `why` default: the object has changed. */
export function conflict(subject: Subject, name: string, why = MODIFIED): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(subject.plural, subject.group)} "${name}": ${why}`;
  return new ApiError(409, 'Conflict', message, detailsOf(subject, name));
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** 422 with the faults of an object. */
export function invalid(subject: Subject, name: string, errors: readonly FieldError[]): ApiError {
  const texts = errors.map((error) => `${error.field}: ${fieldErrorText(error)}`);
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const causes = errors.map((error) => ({ reason: fieldErrorType(error), message: fieldErrorText(error), field: error.field }));
  return new ApiError(422, 'Invalid', `${qualified(subject.kind, subject.group)} "${name}" is invalid: ${list}`, {
    name, ...(subject.group === '' ? {} : { group: subject.group }), kind: subject.kind, causes,
  });
}

/** 400. */
export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

/** 403 as authorization or admission words it. */
export function forbidden(subject: Subject, name: string, why: string, causes?: JsonObject[]): ApiError {
  const which = name === '' ? '' : ` "${name}"`;
  const message = `${qualified(subject.plural, subject.group)}${which} is forbidden: ${why}`;
  return new ApiError(403, 'Forbidden', message, detailsOf(subject, name, causes === undefined ? {} : { causes }));
}

/** 410: what was asked for has been compacted away. */
export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message);
}

/** 405. */
export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** 415; `accepted` are the media types that would do. */
export function unsupportedMediaType(type: string, accepted: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new ApiError(415, 'UnsupportedMediaType', type === '' ? 'media type is missing' : message);
}

/** 500. */
export function internalError(message: string): ApiError {
  return new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** 504 of a list or watch from a resourceVersion that is not there yet. */
export function tooLargeResourceVersion(asked: number, current: number): ApiError {
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  return new ApiError(504, 'Timeout', message, { causes, retryAfterSeconds: 1 });
}

/** 429. */
export function tooManyRequests(retryAfterSeconds: number): ApiError {
  const message = 'too many requests, please try again later';
  return new ApiError(429, 'TooManyRequests', message, { retryAfterSeconds });
}
