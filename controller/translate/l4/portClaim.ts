import type { L4Route } from '../../../core/ir/l4.ts';
import type { ForwardTarget } from '../../announcer/wanted.ts';
import type { ConfigMap } from '../../model/objects.ts';
import type { Service } from '../../model/service.ts';

/** An address and port that an object asks for, and what is to be done with what comes there. */
export interface PortClaim {
  readonly object: Service | ConfigMap;
  /** `spec.ports[0]`, `data[9000]`. */
  readonly field: string;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** The address is on no interface: packets come by a mark (kernel forwarding), to a transparent socket. */
  readonly viaKernel: boolean;
  readonly use:
    /** Carried by the proxy along a route. */
    | { readonly type: 'route'; readonly route: L4Route }
    /** Served as one more HTTP or HTTPS listener. */
    | { readonly type: 'http' | 'https' }
    /** Forwarded by the kernel alone. */
    | { readonly type: 'kernel'; readonly target: ForwardTarget; readonly sourceRanges: readonly string[] | null };
}
