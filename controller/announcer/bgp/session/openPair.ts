import type { OpenMessage } from '../codec/message.ts';

/** Both sides' OPEN of one connection. */
export interface OpenPair {
  /** As it is sent. */
  readonly offered: OpenMessage;
  readonly received: OpenMessage;
}
