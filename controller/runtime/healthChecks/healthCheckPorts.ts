import type { Logger } from '../../../core/log/logger.ts';
import type { Companion } from '../gatehouse.ts';
import { healthChecks, type HealthCheck } from './healthCheck.ts';
import { answerHealthCheck, openHealthCheckServer, type ConnectionBudget, type HealthCheckServer } from './healthCheckServer.ts';

/** What it works with; times are defaults of its own where absent. */
export interface HealthCheckPortsOptions {
  readonly nodeName: string;
  readonly logger: Logger;
  readonly settleMs?: number;
  readonly lookMs?: number;
}

/**
 * Ours: kube-proxy answers at the same ports where it runs, and complains at each of its rounds (a second or more apart) when it finds
 * one taken. So a port is left to it first.
 */
const SETTLE_MS = 3_000;
/**
 * Ours: between two looks at a port that somebody else had. It is taken only when it is free at two of them: the restart of a kube-proxy
 * takes less.
 */
const LOOK_MS = 30_000;
/** Ours. Node ports are 2,768 by default, and most of them are none for health checks. */
const MAX_PORTS = 1000;
/** Ours. */
const MAX_CONNECTIONS = 512;

/** One health check node port, wanted now. */
interface Slot {
  check: HealthCheck;
  server: HealthCheckServer | null;
  /** How often it must still be found free. */
  looksLeft: number;
  timer: NodeJS.Timeout | undefined;
  /** What the last look has found; null: it was free, or there was none. */
  obstacle: string | null;
}

/** Answers at the health check node ports of Services where nobody else does (externalTrafficPolicy Local). */
export function healthCheckCompanion(options: HealthCheckPortsOptions): Companion {
  return new HealthCheckPorts(options);
}

class HealthCheckPorts implements Companion {
  readonly #options: HealthCheckPortsOptions;
  readonly #budget: ConnectionBudget = { left: MAX_CONNECTIONS };
  /** By port. */
  readonly #slots = new Map<number, Slot>();
  /** Looks and closings under way. */
  readonly #work = new Set<Promise<void>>();
  #wanted: ReadonlyMap<number, HealthCheck> = new Map();
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #saidTooMany = false;

  constructor(options: HealthCheckPortsOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    if (this.#phase === 'new') this.#phase = 'running';
    this.#bringInLine();
    return Promise.resolve();
  }

  update(seen: Parameters<Companion['update']>[0]): void {
    this.#wanted = healthChecks(seen, this.#options.nodeName);
    this.#bringInLine();
  }

  async stop(): Promise<void> {
    this.#phase = 'stopped';
    for (const port of this.#slots.keys()) this.#drop(port);
    // A look that ends late closes what it has opened.
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #bringInLine(): void {
    if (this.#phase !== 'running') return;
    for (const port of this.#slots.keys()) if (!this.#wanted.has(port)) this.#drop(port);
    for (const [port, check] of this.#wanted) {
      const slot = this.#slots.get(port);
      if (slot !== undefined) slot.check = check;
      else if (this.#slots.size < MAX_PORTS) this.#add(port, check);
      else this.#sayTooMany();
    }
  }

  #add(port: number, check: HealthCheck): void {
    const slot: Slot = { check, server: null, looksLeft: 1, timer: undefined, obstacle: null };
    this.#slots.set(port, slot);
    this.#lookLater(port, slot, this.#options.settleMs ?? SETTLE_MS);
  }

  #lookLater(port: number, slot: Slot, delayMs: number): void {
    slot.timer = setTimeout(() => this.#keep(this.#look(port, slot)), delayMs).unref();
  }

  async #look(port: number, slot: Slot): Promise<void> {
    try {
      const server = await openHealthCheckServer({ port, answer: answerHealthCheck(() => slot.check), budget: this.#budget });
      slot.looksLeft -= 1;
      slot.obstacle = null;
      if (slot.looksLeft > 0 || this.#slots.get(port) !== slot) this.#close(server);
      else slot.server = server;
    } catch (error) {
      this.#foundTaken(port, slot, error);
    }
    if (this.#slots.get(port) === slot && slot.server === null) this.#lookLater(port, slot, this.#options.lookMs ?? LOOK_MS);
  }

  #foundTaken(port: number, slot: Slot, error: unknown): void {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    slot.looksLeft = 2;
    if (slot.obstacle === code) return;
    slot.obstacle = code;
    const { namespace, name } = slot.check.service;
    const fields = { port, service: `${namespace}/${name}` };
    const { logger } = this.#options;
    if (code === 'EADDRINUSE') logger.debug('the health check node port of a Service is taken: whoever has it answers, kube-proxy where it runs', fields);
    else logger.warn('the health check node port of a Service cannot be opened; it is tried again', { ...fields, error });
  }

  #drop(port: number): void {
    const slot = this.#slots.get(port);
    this.#slots.delete(port);
    clearTimeout(slot?.timer);
    if (slot?.server !== undefined && slot.server !== null) this.#close(slot.server);
  }

  #close(server: HealthCheckServer): void {
    this.#keep(server.close());
  }

  #keep(work: Promise<void>): void {
    const kept = work.finally(() => this.#work.delete(kept));
    this.#work.add(kept);
  }

  #sayTooMany(): void {
    if (this.#saidTooMany) return;
    this.#saidTooMany = true;
    this.#options.logger.warn('there are more health check node ports than this process opens', { opened: MAX_PORTS });
  }
}
