import type { ClientConnection } from './exchange.ts';

/** A client connection as its listener sees it, whatever protocol it speaks. */
export interface FrontConnection {
  readonly client: ClientConnection;
  /** Called when draining begins: the connection ends once what it carries has ended; nothing new is taken. */
  drain(): void;
  /** Cuts the connection. False: nothing was lost by it. */
  destroy(): boolean;
}
