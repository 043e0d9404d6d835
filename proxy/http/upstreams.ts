import type { Endpoint } from '../../core/ir/cluster.ts';
import { H1Upstream, type H1UpstreamOptions } from './h1/h1Upstream.ts';
import { H2Upstream } from './h2/h2Upstream.ts';
import type { Upstream, UpstreamHandler, UpstreamHead, UpstreamRequest, UpstreamTarget } from './upstream.ts';
import { UpstreamTlsIdentities, type UpstreamTlsDependencies } from './upstreamTls.ts';

/** `certificate` looks in the tables of the moment: a changed one is met by the next request. */
export type UpstreamsOptions = Omit<H1UpstreamOptions, 'tls'> & UpstreamTlsDependencies;

/** Every way to speak to backends as one. */
export interface Upstreams extends Upstream {
  /** Idle connections to one endpoint, named as `endpointKey` does, whatever they speak. */
  idleConnections(key: string): number;
}

/** Sends each request by the protocol that its target asks for. One per worker. */
export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const tls = new UpstreamTlsIdentities(options);
  const http1 = new H1Upstream({ ...options, tls });
  const http2 = new H2Upstream({ ...options, tls });
  return {
    request(target: UpstreamTarget, head: UpstreamHead, handler: UpstreamHandler): UpstreamRequest {
      if (target.transport === null || target.transport.protocol === 'http1') return http1.request(target, head, handler);
      return http2.request(target, head, handler);
    },
    retire(endpoint: Endpoint): void {
      http1.retire(endpoint);
      http2.retire(endpoint);
    },
    close(): void {
      http1.close();
      http2.close();
    },
    idleConnections: (key) => http1.idleConnections(key) + http2.idleConnections(key),
  };
}
