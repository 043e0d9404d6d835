import type { Socket } from 'node:net';
import type { Settings } from '../../core/ir/settings.ts';
import type { Clock } from '../../core/time/clock.ts';
import type { Deadlines } from '../limits/deadlines.ts';
import { createAddressSet, type AddressSet } from './addressSet.ts';
import { endsBehind, type ConnectionEnds } from './connectionEnds.ts';
import { cleartextProtocol } from './cleartextProtocol.ts';
import { createProxyHeaderReader } from './proxyHeaderReader.ts';
import { readAhead } from './readAhead.ts';

export interface ArrivalOptions {
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** A trusted peer did not begin with a PROXY header; its connection is closed. */
  readonly onProxyHeaderRefused: (peer: string, reason: string) => void;
}

/** An accepted connection whose first octets are still to be read. */
export interface Arrival {
  readonly socket: Socket;
  readonly ends: ConnectionEnds;
  /** Clock reading, ms, by which enough must have come. */
  readonly expiresAtMs: number;
}

/** What became of an arrival. `early`: octets read that belong to what follows. */
export interface ArrivalEnd {
  readonly onReady: (ends: ConnectionEnds, early: Buffer) => void;
  /** It ended or took too long; the socket is closed. */
  readonly onFailure: (failure: 'timeout' | 'clientClosed' | 'invalid') => void;
}

const NOTHING = Buffer.alloc(0);

/** What comes before the first request or ClientHello: a PROXY header from those who must send one, the choice of HTTP/2 in clear text. */
export class Arrivals {
  readonly #options: ArrivalOptions;
  /** Compiled from `settings.proxyProtocol`, anew when that is another object. */
  #trusted: { readonly from: Settings['proxyProtocol']; readonly has: AddressSet } = { from: null, has: () => false };

  constructor(options: ArrivalOptions) {
    this.#options = options;
  }

  /** Whether this peer must begin with a PROXY header. Nobody else may: their octets are taken for what follows it. */
  mustSendProxyHeader(peer: string): boolean {
    const { proxyProtocol } = this.#options.settings();
    if (proxyProtocol === null) return false;
    if (this.#trusted.from !== proxyProtocol) this.#trusted = { from: proxyProtocol, has: createAddressSet(proxyProtocol.trustedCidrs) };
    return this.#trusted.has(peer);
  }

  /** Reads the PROXY header where there must be one. */
  open(arrival: Arrival, end: ArrivalEnd): void {
    const { ends, socket } = arrival;
    if (!this.mustSendProxyHeader(ends.remoteAddress)) return end.onReady(ends, NOTHING);
    const read = createProxyHeaderReader();
    this.#readAhead(arrival, end, (chunk) => {
      const reading = read(chunk);
      switch (reading.type) {
        case 'incomplete':
          return false;
        case 'invalid':
          socket.destroy();
          this.#options.onProxyHeaderRefused(ends.remoteAddress, reading.reason);
          end.onFailure('invalid');
          return true;
        case 'header':
          end.onReady(endsBehind(reading.header, ends), reading.rest);
          return true;
      }
    });
  }

  /** Finds out whether a plain connection begins as HTTP/2 with prior knowledge. */
  chooseProtocol(arrival: Arrival, early: Buffer, end: Pick<ArrivalEnd, 'onFailure'> & { readonly onChosen: (protocol: 'http1' | 'http2', early: Buffer) => void }): void {
    let octets = early;
    const choose = (): boolean => {
      const protocol = cleartextProtocol(octets);
      if (protocol === null) return false;
      end.onChosen(protocol, octets);
      return true;
    };
    if (choose()) return;
    this.#readAhead(arrival, end, (chunk) => {
      octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
      return choose();
    });
  }

  #readAhead({ socket, expiresAtMs }: Arrival, end: Pick<ArrivalEnd, 'onFailure'>, onOctets: (chunk: Buffer) => boolean): void {
    readAhead(socket, { deadlines: this.#options.deadlines, expiresAtMs, onOctets, onFailure: end.onFailure });
  }
}
