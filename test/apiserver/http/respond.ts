import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import { stringify } from 'yaml';
import type { Form } from './negotiate.ts';

/** From this size on, answers are compressed for who accepts that, as the API server does. */
const GZIP_FROM_BYTES = 128 * 1024;

const json = new WeakMap<object, string>();

/** JSON of an object that never changes, remembered. */
export function jsonOf(value: object): string {
  let text = json.get(value);
  if (text === undefined) {
    text = JSON.stringify(value);
    json.set(value, text);
  }
  return text;
}

/** Sends a complete answer. */
export async function respond(
  request: IncomingMessage, response: ServerResponse, answer: { readonly status: number; readonly text: string; readonly encoding?: Form['encoding'] },
): Promise<void> {
  const { status, encoding = 'json' } = answer;
  const octets = Buffer.from(encoding === 'yaml' ? stringify(JSON.parse(answer.text)) : `${answer.text}\n`);
  response.statusCode = status;
  response.setHeader('Content-Type', encoding === 'yaml' ? 'application/yaml' : 'application/json');
  response.setHeader('Cache-Control', 'no-cache, private');
  const compressed = octets.length > GZIP_FROM_BYTES && (request.headers['accept-encoding'] ?? '').includes('gzip') ? await gzipped(octets) : null;
  if (compressed !== null) response.setHeader('Content-Encoding', 'gzip').setHeader('Vary', 'Accept-Encoding');
  response.setHeader('Content-Length', (compressed ?? octets).length);
  response.end(compressed ?? octets);
}

async function gzipped(octets: Buffer): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    gzip(octets, { level: 1 }, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}
