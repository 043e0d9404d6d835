import { ERROR, type HEADER_ERROR, type OPEN_ERROR, type UPDATE_ERROR } from './errorCodes.ts';
import type { BgpFault } from './message.ts';
import { copyOctets, NO_OCTETS } from './octets.ts';

/** What a decoder says when it cannot go on. */
export interface Refused {
  readonly ok: false;
  readonly fault: BgpFault;
}

/** A message of one type as it was read, or why it cannot be. */
export type Decoded<T> = { readonly ok: true; readonly message: T } | Refused;

/** One of the values of a table of constants. */
type OneOf<T> = T[keyof T];

/**
 * Of a fault's data no more is kept and sent: it fits in a NOTIFICATION of a peer without extended messages (RFC 4271
 * section 4.5).
 */
const MAX_FAULT_DATA = 4096 - 19 - 2;

/** Message Header Error (RFC 4271 section 6.1). */
export function headerFault(subcode: OneOf<typeof HEADER_ERROR>, text: string, data: readonly number[] = []): Refused {
  return refused({ code: ERROR.messageHeader, subcode, data: Uint8Array.from(data), text });
}

/** OPEN Message Error (RFC 4271 section 6.2). */
export function openFault(subcode: OneOf<typeof OPEN_ERROR>, text: string, data: readonly number[] = []): Refused {
  return refused({ code: ERROR.open, subcode, data: Uint8Array.from(data), text });
}

/** UPDATE Message Error (RFC 4271 section 6.3). `data` is copied, so that a message need not be kept for it. */
export function updateFault(subcode: OneOf<typeof UPDATE_ERROR>, text: string, data: Uint8Array = NO_OCTETS): Refused {
  return refused({ code: ERROR.update, subcode, data: copyOctets(data.subarray(0, MAX_FAULT_DATA)), text });
}

/** ROUTE-REFRESH Message Error with the whole message (RFC 7313 section 5). */
export function routeRefreshFault(subcode: number, text: string, message: Uint8Array): Refused {
  return refused({ code: ERROR.routeRefresh, subcode, data: copyOctets(message.subarray(0, MAX_FAULT_DATA)), text });
}

function refused(fault: BgpFault): Refused {
  return { ok: false, fault };
}
