import type { Transport } from '../../core/ir/transport.ts';

/** HTTP/2 with prior knowledge: without TLS there is nothing left that could tell two such transports apart. */
const CLEARTEXT_HTTP2: Transport = { protocol: 'http2', tls: null, tlsWhen: 'always', identity: 'http2' };

/**
 * The transport of one request: `asClient` is settled by the scheme the client came with, so that what goes on says
 * always whether TLS is used. Null: HTTP/1.1 in clear text.
 */
export function transportFor(transport: Transport | null | undefined, scheme: 'http' | 'https'): Transport | null {
  if (transport === null || transport === undefined) return null;
  if (transport.tls !== null && (transport.tlsWhen === 'always' || scheme === 'https')) return transport;
  return transport.protocol === 'http2' ? CLEARTEXT_HTTP2 : null;
}
