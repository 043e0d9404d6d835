import type { ClientLimits } from '../../../core/ir/settings.ts';

/** Ceilings that no ConfigMap key changes. */
export const FIXED_LIMITS = {
  /** Ours. RFC 9112 section 3 asks for 8000 octets at least; nginx takes 8 KiB lines. Twice that leaves room for long queries. */
  requestLineBytes: 16_384,
  /** Ours. nginx: 8 KiB (large_client_header_buffers); cookies of single sign-on are known to be longer. */
  fieldLineBytes: 16_384,
  /** Ours. nginx: 4 x 8 KiB; Envoy: 60 KiB. What one connection may hold before anything is known about it. */
  headerBytes: 65_536,
  /** Ours. Envoy: 100; HAProxy: 101; nginx: 1000. Browsers send about 20, proxies in front add about 20. */
  headerCount: 256,
  /** nginx send_timeout. */
  sendTimeoutMs: 60_000,
  /** Ours. A handshake is two round trips; HAProxy's documentation advises a few seconds. */
  tlsHandshakeTimeoutMs: 10_000,
  /** ingress-nginx max-worker-connections. */
  connectionsPerWorker: 16_384,
} as const satisfies Partial<ClientLimits>;
