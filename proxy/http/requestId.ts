import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
const POOL_BYTES = ID_BYTES * 512;
const MAX_RECEIVED_CHARS = 128;

const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
let offset = POOL_BYTES;

/** A new request id: 32 hex digits, as nginx's `$req_id`. Random octets are drawn in bulk, one draw costs microseconds. */
export function newRequestId(): string {
  if (offset === POOL_BYTES) {
    randomFillSync(pool);
    offset = 0;
  }
  offset += ID_BYTES;
  return pool.toString('hex', offset - ID_BYTES, offset);
}

/** The client's X-Request-ID when it is a plain token of at most 128 characters (ingress-nginx keeps it too), else a new one. */
export function requestIdOf(received: string | undefined): string {
  if (received === undefined || received.length === 0 || received.length > MAX_RECEIVED_CHARS) return newRequestId();
  return /^[A-Za-z0-9._:=+/-]+$/.test(received) ? received : newRequestId();
}
