import type { BgpRole, TcpAoAlgorithm } from '../announcer/bgp/bgpWanted.ts';
import type { ConfigurationBase, LabelSelector } from './objectBase.ts';

/** A BGP router to speak to (fields as MetalLB's BGPPeer v1beta2). Times in ms; null: the default. */
export interface BGPPeer extends ConfigurationBase {
  readonly kind: 'BGPPeer';
  readonly myASN: number;
  /** The peer's AS: a number, or whatever it says as long as it is `internal` or `external`. */
  readonly peerASN: { readonly type: 'number'; readonly asn: number } | { readonly type: 'internal' | 'external' };
  readonly localASN: number | null;
  /** An address, or an interface (unnumbered). */
  readonly peer: { readonly type: 'address'; readonly address: string } | { readonly type: 'interface'; readonly interface: string };
  readonly peerPort: number;
  readonly sourceAddress: string | null;
  readonly holdTimeMs: number | null;
  readonly keepaliveTimeMs: number | null;
  readonly connectTimeMs: number | null;
  readonly routerID: string | null;
  readonly nodeSelectors: readonly LabelSelector[];
  /** Never logged. */
  readonly password: string | null;
  /** Secret of type kubernetes.io/basic-auth in the object's own namespace. */
  readonly passwordSecret: string | null;
  readonly bfdProfile: string | null;
  readonly enableGracefulRestart: boolean;
  readonly ebgpMultiHop: boolean;
  readonly vrf: string | null;
  readonly dualStackAddressFamily: boolean;
  readonly extras: BGPPeerExtras;
}

/** What only gatehouse.dev/v1 has of a BGPPeer; null: the default. */
export interface BGPPeerExtras {
  readonly connectMode: 'active' | 'passive' | 'both';
  readonly delayOpenTimeMs: number;
  /** Hops to the peer at most; null: any number. Counts with ebgpMultiHop. */
  readonly multihopTTL: number | null;
  /** GTSM (RFC 5082). */
  readonly ttlSecurity: boolean;
  /** The password is the key of TCP-AO (RFC 5925), not of MD5. */
  readonly tcpAO: TcpAuthenticationOption | null;
  /** Paths of a prefix by other nodes too (RFC 7911); 0: none. */
  readonly addPathSend: number;
  readonly gracefulRestartTimeMs: number | null;
  readonly longLivedStaleTimeMs: number | null;
  readonly role: BgpRole | null;
  /** The session is shut down, and the peer told why (RFC 9003). */
  readonly shutdown: string | null;
}

export interface TcpAuthenticationOption {
  readonly keyID: number;
  readonly receiveKeyID: number;
  readonly algorithm: TcpAoAlgorithm;
}

/** Timers of BFD sessions (as MetalLB's; RFC 5880). */
export interface BFDProfile extends ConfigurationBase {
  readonly kind: 'BFDProfile';
  readonly receiveIntervalMs: number;
  readonly transmitIntervalMs: number;
  readonly detectMultiplier: number;
  readonly echoIntervalMs: number;
  readonly echoMode: boolean;
  readonly passiveMode: boolean;
  readonly minimumTtl: number;
}
