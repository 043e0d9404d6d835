import type { ObjectBase } from './objectBase.ts';

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  /** Conditions; null when not stated. */
  readonly ready: boolean | null;
  readonly serving: boolean | null;
  readonly terminating: boolean | null;
  /** Empty when not stated. */
  readonly nodeName: string;
  readonly zone: string;
  /** `hints.forZones` and `hints.forNodes`: whose clients are to use it. Empty: no hint. */
  readonly hintZones: readonly string[];
  readonly hintNodes: readonly string[];
}

export interface SlicePort {
  readonly name: string;
  readonly port: number | null;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

export interface EndpointSlice extends ObjectBase {
  readonly kind: 'EndpointSlice';
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  /** Label kubernetes.io/service-name; empty when missing. */
  readonly service: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** The legacy Endpoints object; used for a Service that has no EndpointSlice. */
export interface Endpoints extends ObjectBase {
  readonly kind: 'Endpoints';
  readonly subsets: readonly {
    readonly addresses: readonly string[];
    readonly notReadyAddresses: readonly string[];
    readonly ports: readonly SlicePort[];
  }[];
}
