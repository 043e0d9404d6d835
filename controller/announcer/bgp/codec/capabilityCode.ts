import type { Capability } from './message.ts';

/** Capability codes (IANA's registry "Capability Codes"). */
export const CAPABILITY_CODE = {
  /** RFC 4760 section 8. */
  multiprotocol: 1,
  /** RFC 2918 section 2. */
  routeRefresh: 2,
  /** RFC 8950 section 4. */
  extendedNextHop: 5,
  /** RFC 8654 section 3. */
  extendedMessage: 6,
  /** RFC 9234 section 4.1. */
  role: 9,
  /** RFC 4724 section 3. */
  gracefulRestart: 64,
  /** RFC 6793 section 3. */
  fourOctetAsn: 65,
  /** RFC 7911 section 4. */
  addPath: 69,
  /** RFC 7313 section 3.1. */
  enhancedRouteRefresh: 70,
  /** RFC 9494 section 3.1. */
  longLivedGracefulRestart: 71,
  /** draft-walton-bgp-hostname-capability. */
  fqdn: 73,
} as const satisfies Record<Exclude<Capability['type'], 'other'>, number>;

/** Restart Flags of graceful restart: R (RFC 4724 section 3) and N (RFC 8538 section 2). */
export const RESTART_FLAG = 0x8;
export const NOTIFICATION_FLAG = 0x4;
/** Forwarding state was kept: F of a family (RFC 4724 section 3, RFC 9494 section 3.1). */
export const FORWARDING_FLAG = 0x80;
/** Restart Time has 12 bits (RFC 4724 section 3), in seconds. */
export const MAX_RESTART_TIME_S = 0xfff;
/** Send/Receive of ADD-PATH, one bit each (RFC 7911 section 4). */
export const ADD_PATH_RECEIVE = 1;
export const ADD_PATH_SEND = 2;
/** A capability's value (RFC 5492 section 4). */
export const MAX_CAPABILITY_LENGTH = 255;
