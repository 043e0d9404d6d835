import { decodeProxyHeader, type ProxyHeader } from '../l4/proxyProtocol.ts';

/** What the start of a connection from a trusted peer turns out to be; `rest` is what came behind the header. */
export type ProxyHeaderReading =
  | { readonly type: 'incomplete' }
  | { readonly type: 'invalid'; readonly reason: string }
  | { readonly type: 'header'; readonly header: ProxyHeader; readonly rest: Buffer };

/** Collects octets until a PROXY header is complete. The decoder bounds it: a header has at most 4112 octets. */
export function createProxyHeaderReader(): (chunk: Buffer) => ProxyHeaderReading {
  let octets: Buffer = Buffer.alloc(0);
  return (chunk) => {
    octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
    const result = decodeProxyHeader(octets);
    return result.type === 'header' ? { type: 'header', header: result.header, rest: octets.subarray(result.length) } : result;
  };
}
