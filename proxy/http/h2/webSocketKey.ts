import { createHash, randomBytes } from 'node:crypto';
import type { Fields } from '../fields.ts';

/** RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Completes a WebSocket request of HTTP/2 to a handshake of HTTP/1.1, in place: RFC 8441 section 5 leaves out
 * Sec-WebSocket-Key, on which every HTTP/1.1 backend insists. Returns the Sec-WebSocket-Accept that must answer it.
 */
export function addWebSocketKey(fields: Fields): string {
  const key = randomBytes(16).toString('base64');
  fields.set('Sec-WebSocket-Key', 'sec-websocket-key', key);
  if (fields.get('sec-websocket-version') === undefined) fields.append('Sec-WebSocket-Version', 'sec-websocket-version', '13');
  return createHash('sha1').update(key + ACCEPT_SUFFIX).digest('base64');
}
