import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { ApiError, badRequest, unsupportedMediaType } from '../apiError.ts';

/** Largest body the API server takes. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** The body of a request, whole. Throws 413. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const octets = chunk as Buffer;
    size += octets.length;
    if (size <= MAX_BODY_BYTES) chunks.push(octets);
  }
  if (size > MAX_BODY_BYTES) throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`);
  return Buffer.concat(chunks);
}

/** Media type of the request without parameters; JSON where none is given. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? '';
}

/** Parses a body by its media type; undefined for an empty one. Throws 400 or 415. */
export function parseBody(body: Buffer, mediaType: string): unknown {
  if (body.length === 0) return undefined;
  const text = body.toString();
  try {
    if (mediaType.endsWith('yaml')) return parse(text) as unknown;
    if (mediaType.endsWith('json')) return JSON.parse(text) as unknown;
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw unsupportedMediaType(mediaType, ['application/json', 'application/yaml']);
}
