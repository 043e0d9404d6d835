import { decodeProxyHeader, type ProxyHeader } from './proxyProtocol.ts';

/** What the octets so far amount to. `rest`: what came behind the header. */
export type ProxyHeaderReading =
  | { readonly type: 'incomplete' }
  | { readonly type: 'invalid'; readonly reason: string }
  | { readonly type: 'header'; readonly header: ProxyHeader; readonly rest: Buffer };

/** Gathers the PROXY header at the start of one connection, however it is cut. Never keeps more than one read and 4112 octets. */
export class ProxyHeaderReader {
  #bytes: Buffer = Buffer.alloc(0);

  add(chunk: Buffer): ProxyHeaderReading {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const result = decodeProxyHeader(this.#bytes);
    if (result.type !== 'header') return result;
    return { type: 'header', header: result.header, rest: this.#bytes.subarray(result.length) };
  }
}
