import type { Open } from './envelope.ts';
import type { MembershipFault } from './membershipCounts.ts';
import type { Message } from './message.ts';
import { decodeMessage } from './messageCodec.ts';

/** A datagram that was read, or why it was not. */
export type ReadDatagram =
  | { readonly type: 'message'; readonly message: Message; readonly counter: number }
  | { readonly type: 'fault'; readonly fault: MembershipFault };

/** Opens and decodes what came as a datagram; never throws. A sender must speak in its own boot. */
export function readDatagram(open: Open, datagram: Buffer): ReadDatagram {
  const opened = open(datagram);
  if (opened.type === 'fault') return opened;
  const message = decodeMessage(opened.payload);
  if (message === null || message.sender.boot !== opened.boot) return { type: 'fault', fault: 'malformed' };
  return { type: 'message', message, counter: opened.counter };
}
