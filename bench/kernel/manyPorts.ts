import { l4Key, type L4Key } from '../../core/ir/l4.ts';
import type { ForwardedPort, KernelEndpoint } from '../../controller/announcer/wanted.ts';
import { endpointOfService, ENDPOINTS_PER_SERVICE, vipOfService } from '../../test/support/serviceFiles.ts';

/** As many ports, each of a VIP of its own in 10.64.0.0/16, with ten endpoints each in 10.128.0.0/9. At most 65,536. */
export function manyPorts(count: number): ReadonlyMap<L4Key, ForwardedPort> {
  return new Map(Array.from({ length: count }, (_, index) => {
    const port = oneOfMany(index, 1);
    return [port.key, port];
  }));
}

/** The port of that number, its endpoints from host `firstHost` on, up to 245. */
export function oneOfMany(index: number, firstHost: number): ForwardedPort {
  const endpoints = Array.from({ length: ENDPOINTS_PER_SERVICE }, (_, number) => ({ address: endpointOfService(index, firstHost + number), port: 8080, weight: 1 }));
  return tcpPort(vipOfService(index), 80, endpoints);
}

/** A port of TCP that anybody may use, drawn by chance, with hidden sources. */
export function tcpPort(address: string, port: number, endpoints: readonly KernelEndpoint[]): ForwardedPort {
  return {
    key: l4Key('tcp', address, port), protocol: 'tcp', address, port, sourceRanges: null,
    to: { type: 'endpoints', endpoints, ownEndpoints: endpoints, keepSource: false, affinityTimeoutMs: null, balance: 'random' },
  };
}
