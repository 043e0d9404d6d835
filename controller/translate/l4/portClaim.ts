import type { L4Route } from '../../../core/ir/l4.ts';
import type { ConfigMap, Service } from '../../model/objects.ts';

/** An address and port that an object asks for, and what is to be done with what comes there. */
export interface PortClaim {
  readonly object: Service | ConfigMap;
  /** `spec.ports[0]`, `data[9000]`. */
  readonly field: string;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Carried along a route, or served as one more HTTP or HTTPS listener. */
  readonly use: { readonly type: 'route'; readonly route: L4Route } | { readonly type: 'http' | 'https' };
}
