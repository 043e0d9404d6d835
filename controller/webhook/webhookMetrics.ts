import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/**
 * How a request ended. `unjudged`: too late, or too early in the life of the process; `failed`: a fault of ours; both are
 * allowed. `refused`: what came was no AdmissionReview.
 */
export type WebhookOutcome = 'allowed' | 'warned' | 'denied' | 'unjudged' | 'failed' | 'refused';

/** Kinds that have a label value of their own: what arrives is for whoever reaches the port to choose. */
const KINDS = new Set(['Ingress', 'Service', 'IPAddressPool', 'L2Advertisement', 'BGPAdvertisement', 'BGPPeer', 'BFDProfile', 'Community']);

/** Seconds: a review takes well under a millisecond; beyond 2 s it is not made. */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What the webhook tells of itself. */
export interface WebhookMetrics {
  /** One request: kind of its object (empty: not known), how it ended, ms from its arrival to the answer. */
  observe(kind: string, outcome: WebhookOutcome, durationMs: number): void;
  /** End of validity of the certificate that is shown, ms since the epoch. */
  setCertificateExpiry(notAfterMs: number): void;
}

/** Adds the families to a registry. */
export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'gatehouse_webhook_requests_total',
    help: 'Requests to the admission webhook, by kind of the object and by how they ended.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'gatehouse_webhook_request_duration_seconds',
    help: 'Time from the arrival of a request to the admission webhook to its answer.',
    labelNames: ['kind'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const expiry = new Gauge({
    name: 'gatehouse_webhook_certificate_expiry_timestamp_seconds',
    help: 'End of validity of the certificate that the admission webhook shows; 0: there is none yet.',
    registers,
  });
  return {
    observe: (kind, outcome, durationMs) => {
      const label = KINDS.has(kind) ? kind : 'other';
      requests.inc({ kind: label, outcome });
      duration.observe({ kind: label }, durationMs / 1000);
    },
    setCertificateExpiry: (notAfterMs) => expiry.set(notAfterMs / 1000),
  };
}
