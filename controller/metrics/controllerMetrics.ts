import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Certificate } from '../../core/ir/certificate.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { PoolView } from '../allocator/poolView.ts';

/** Seconds: one changed object is translated in well under a millisecond, ten thousand at start in seconds. */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Those that expire first are shown. */
const MAX_CERTIFICATES = 1000;

/** What the controller tells of itself. One per registry. */
export class ControllerMetrics {
  readonly #generation: Gauge;
  readonly #appliedGeneration: Gauge;
  readonly #objects: Gauge;
  readonly #problems: Gauge;
  readonly #translateDuration: Histogram;
  readonly #applyDuration: Histogram;
  readonly #proxyRestarts: Counter;
  readonly #certificateExpiry: Gauge;
  readonly #certificatesExpired: Gauge;
  readonly #poolAddresses: Gauge;
  readonly #poolAddressesAssigned: Gauge;
  readonly #servicesPending: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
      new Gauge({ name, help, labelNames, registers });
    const duration = (name: string, help: string): Histogram =>
      new Histogram({ name, help, buckets: DURATION_BUCKETS, registers });
    this.#generation = gauge('gatehouse_controller_generation', 'Number of the newest snapshot.');
    this.#appliedGeneration = gauge(
      'gatehouse_controller_applied_generation',
      'Number of the newest snapshot that every worker serves.',
    );
    this.#objects = gauge('gatehouse_controller_objects', 'Kubernetes objects known, by kind.', ['kind']);
    this.#problems = gauge('gatehouse_controller_problems', 'Problems of objects as of now.', ['severity']);
    this.#translateDuration = duration(
      'gatehouse_controller_translate_duration_seconds',
      'Time to turn the objects into a snapshot.',
    );
    this.#applyDuration = duration(
      'gatehouse_controller_apply_duration_seconds',
      'Time from a new snapshot to the moment when every worker serves it.',
    );
    this.#proxyRestarts = new Counter({
      name: 'gatehouse_controller_proxy_restarts_total',
      help: 'Times the proxy process ended unasked and was started again.',
      registers,
    });
    this.#certificateExpiry = gauge(
      'gatehouse_certificate_expiry_timestamp_seconds',
      `End of validity of certificates in use, the first ${MAX_CERTIFICATES} to expire; secret "default" is the one made at start.`,
      ['namespace', 'secret'],
    );
    this.#certificatesExpired = gauge('gatehouse_certificates_expired', 'Certificates in use that have expired.');
    this.#poolAddresses = gauge('gatehouse_pool_addresses', 'Addresses that a pool may give.', ['pool', 'family']);
    this.#poolAddressesAssigned = gauge('gatehouse_pool_addresses_assigned', 'Addresses of a pool that Services have.', ['pool', 'family']);
    this.#servicesPending = gauge('gatehouse_services_pending', 'Services of type LoadBalancer without an address.');
    this.setProblems([]);
  }

  /** Pools and Services of type LoadBalancer as of now; pools that are missing are no longer shown. */
  setAssignments(pools: readonly PoolView[], services: readonly { readonly addresses: readonly string[] }[]): void {
    this.#poolAddresses.reset();
    this.#poolAddressesAssigned.reset();
    for (const { name, ...families } of pools) {
      for (const family of ['ipv4', 'ipv6'] as const) {
        this.#poolAddresses.set({ pool: name, family }, families[family].total);
        this.#poolAddressesAssigned.set({ pool: name, family }, families[family].assigned);
      }
    }
    this.#servicesPending.set(services.filter(({ addresses }) => addresses.length === 0).length);
  }

  setGeneration(generation: number): void {
    this.#generation.set(generation);
  }

  setAppliedGeneration(generation: number): void {
    this.#appliedGeneration.set(generation);
  }

  /** kind → number of objects; kinds that are missing are no longer shown. */
  setObjects(countByKind: ReadonlyMap<string, number>): void {
    this.#objects.reset();
    for (const [kind, count] of countByKind) this.#objects.set({ kind }, count);
  }

  setProblems(problems: readonly Problem[]): void {
    const errors = problems.filter((problem) => problem.severity === 'error').length;
    this.#problems.set({ severity: 'error' }, errors);
    this.#problems.set({ severity: 'warning' }, problems.length - errors);
  }

  observeTranslate(durationMs: number): void {
    this.#translateDuration.observe(durationMs / 1000);
  }

  observeApply(durationMs: number): void {
    this.#applyDuration.observe(durationMs / 1000);
  }

  proxyRestarted(): void {
    this.#proxyRestarts.inc();
  }

  /** Certificates in use; `nowMs` is the wall clock. */
  setCertificates(certificates: Iterable<Pick<Certificate, 'key' | 'notAfterMs'>>, nowMs: number): void {
    const byExpiry = [...certificates].sort((a, b) => a.notAfterMs - b.notAfterMs);
    this.#certificateExpiry.reset();
    for (const { key, notAfterMs } of byExpiry.slice(0, MAX_CERTIFICATES)) {
      const slash = key.indexOf('/');
      const labels = { namespace: key.slice(0, Math.max(0, slash)), secret: key.slice(slash + 1) };
      this.#certificateExpiry.set(labels, notAfterMs / 1000);
    }
    this.#certificatesExpired.set(byExpiry.filter((certificate) => certificate.notAfterMs <= nowMs).length);
  }
}
