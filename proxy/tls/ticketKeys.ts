import { hkdfSync } from 'node:crypto';

/**
 * What a session belongs to: it is resumed where all of this is the same, and nowhere else. Client-authentication policies are
 * no part of it, as connections under one are never resumed.
 */
export interface TicketScope {
  /** SHA-256 of the leaf certificate, hex. */
  readonly fingerprint: string;
  /** From `ticketEpoch`. */
  readonly epoch: number;
}

/** Keys change twice a day: what was recorded longer ago is of no use to whoever learns the present ones. */
const EPOCH_MS = 12 * 60 * 60 * 1000;
/** What Node wants: 16 octets of name, 16 of HMAC, 16 of AES key. */
const TICKET_KEY_BYTES = 48;

/** Number of the half day that holds `wallMs` (ms since the epoch). */
export function ticketEpoch(wallMs: number): number {
  return Math.floor(wallMs / EPOCH_MS);
}

/** Ticket keys by HKDF-SHA-256 (RFC 5869): everybody who has `secret` gets the same for the same scope. */
export function deriveTicketKeys(secret: Buffer, scope: TicketScope): Buffer {
  // JSON keeps the parts apart whatever they hold.
  const info = JSON.stringify(['gatehouse tls tickets 1', scope.fingerprint, scope.epoch]);
  return Buffer.from(hkdfSync('sha256', secret, '', info, TICKET_KEY_BYTES));
}
