import { isDeepStrictEqual } from 'node:util';
import type { L4Key } from '../../../core/ir/l4.ts';
import { planRestart } from '../../../core/lifecycle/restartBackoff.ts';
import type { Logger } from '../../../core/log/logger.ts';
import type { KernelForwarding, Neighbourhood } from '../parts.ts';
import type { KernelReport } from '../report.ts';
import type { AnnouncerSettings, ForwardedPort } from '../wanted.ts';
import { CONTAINER_INTERFACES } from './baseTable.ts';
import { createFlowFlusher } from './flowFlusher.ts';
import { createHandoverProgrammer } from './handoverProgrammer.ts';
import type { ConntrackFlush, PolicyRouting } from './kernelParts.ts';
import type { Nft } from './nft.ts';
import { attempt, createSurroundings } from './surroundings.ts';
import type { Sysctls } from './sysctls.ts';
import { createTableProgrammer } from './tableProgrammer.ts';
import { followTableWatch, type TableWatch } from './tableWatch.ts';

export interface KernelForwardingDependencies {
  readonly settings: Pick<AnnouncerSettings, 'nodeName' | 'mark' | 'routeTable' | 'setSysctls'>;
  readonly nft: Nft;
  readonly sysctls: Sysctls;
  readonly routing: PolicyRouting;
  readonly conntrack: ConntrackFlush;
  readonly log: Logger;
  /** Told when something has changed that nobody applied: a retry that went well, a table that somebody has taken away. */
  readonly reported: (report: KernelReport) => void;
  /** Tells of removed tables before the next look would find out; default: nobody does. */
  readonly tableWatch?: TableWatch;
  /** Default `CONTAINER_INTERFACES`. */
  readonly containerInterfaces?: readonly string[];
  /** How often it looks whether all is still as it was; default 5 s. */
  readonly checkIntervalMs?: number;
}

interface Wanted {
  readonly ports: ReadonlyMap<L4Key, ForwardedPort>;
  readonly neighbourhood: Neighbourhood;
}

/** Nobody is next to this node. */
const ALONE: Neighbourhood = { uplinks: [], neighbours: new Map() };

const MAX_PROBLEMS = 50;
const CHECK_INTERVAL_MS = 5_000;
/** Of tries that fail: 0, 0.5, 1, 2 s and so on. */
const RETRY = { firstDelayMs: 500, maxDelayMs: 30_000, stableMs: Infinity };

/** Nothing is done before the first `apply`, and nothing after `stop`. */
export function createKernelForwarding(dependencies: KernelForwardingDependencies): KernelForwarding {
  const { log, tableWatch, checkIntervalMs = CHECK_INTERVAL_MS } = dependencies;
  const carrier = createCarrier(dependencies);
  let wanted: Wanted | null = null;
  /** Who waits for what is wanted next; they share one transaction. */
  let waiting: ((report: KernelReport) => void)[] = [];
  let turn: Promise<void> = Promise.resolve();
  let last: KernelReport = { programmed: false, ports: 0, problems: [] };
  let timer: NodeJS.Timeout | null = null;
  let unwatch: (() => void) | null = null;
  let failuresInRow = 0;
  let stopped = false;

  const unheard = (error: unknown): void => { log.warn('removals of tables cannot be heard of: they are noticed later, when the table is looked for', { error, checkIntervalMs }); };

  async function bring(next: Wanted, again: boolean): Promise<void> {
    last = await carrier.bring(next, again);
    failuresInRow = last.programmed ? 0 : failuresInRow + 1;
    if (timer !== null) clearTimeout(timer);
    const delayMs = last.programmed ? checkIntervalMs : planRestart(failuresInRow, 0, RETRY).delayMs;
    timer = setTimeout(() => { turn = turn.then(check); }, delayMs);
    timer.unref();
  }

  async function work(): Promise<void> {
    const waiters = waiting;
    waiting = [];
    if (!stopped && wanted !== null && waiters.length > 0) await bring(wanted, false);
    for (const resolve of waiters) resolve(last);
  }

  async function check(): Promise<void> {
    if (stopped || wanted === null) return;
    const before = last;
    const stands = await carrier.stands();
    if (before.programmed && !stands) log.warn('the table in the kernel was taken away by somebody; it is written anew');
    await bring(wanted, true);
    if (!isDeepStrictEqual(before, last)) dependencies.reported(last);
  }

  return {
    apply: (ports, neighbourhood = ALONE) => {
      if (tableWatch !== undefined && !stopped) unwatch ??= followTableWatch(tableWatch, { removed: () => { turn = turn.then(check); }, failed: unheard });
      wanted = { ports, neighbourhood };
      const { promise, resolve } = Promise.withResolvers<KernelReport>();
      waiting.push(resolve);
      turn = turn.then(work);
      return promise;
    },
    stop: async (forGood) => {
      stopped = true;
      await turn;
      if (timer !== null) clearTimeout(timer);
      unwatch?.();
      if (forGood) await carrier.remove();
    },
  };
}

/** One state at a time, each to its end; none of it throws. */
interface Carrier {
  bring(wanted: Wanted, again: boolean): Promise<KernelReport>;
  stands(): Promise<boolean>;
  remove(): Promise<void>;
}

function createCarrier(dependencies: KernelForwardingDependencies): Carrier {
  const { settings, log, containerInterfaces = CONTAINER_INTERFACES } = dependencies;
  const programmer = createTableProgrammer(dependencies.nft, { mark: settings.mark, containerInterfaces });
  const surroundings = createSurroundings(dependencies);
  const handover = createHandoverProgrammer(dependencies.nft);
  const flusher = createFlowFlusher(dependencies.conntrack);
  let ports = 0;

  async function bring(wanted: Wanted, again: boolean): Promise<KernelReport> {
    // First the route: marked packets would go astray without it.
    const around = await surroundings.look(wanted.ports.values(), again);
    const join = handover.join(wanted.ports, wanted.neighbourhood);
    const outcome = await programmer.program(wanted.ports, { self: settings.nodeName, uplinks: wanted.neighbourhood.uplinks }, join?.text);
    if (outcome.ok && outcome.joined) join?.done();
    if (!outcome.ok) {
      log.error('the kernel does not forward as wanted', { problem: outcome.problem });
      return { programmed: false, ports, problems: [outcome.problem, ...around].slice(0, MAX_PROBLEMS) };
    }
    if (outcome.refused !== null) log.warn('the table in the kernel was not as it was left, and was written anew', { nft: outcome.refused.slice(0, 500) });
    ports = outcome.ports;
    const handed = await handover.program(wanted.ports, wanted.neighbourhood, again);
    for (const problem of handed) log.warn(problem);
    const flushed = await attempt('UDP clients of endpoints that are gone cannot be moved', () => flusher.after(outcome.changes));
    return { programmed: true, ports, problems: [...around, ...flushed, ...handed, ...outcome.problems].slice(0, MAX_PROBLEMS) };
  }

  return {
    bring: async (wanted, again) => {
      try {
        return await bring(wanted, again);
      } catch (error) {
        log.error('kernel forwarding has failed', { error });
        return { programmed: false, ports, problems: [`Kernel forwarding has failed: ${error instanceof Error ? error.message : String(error)}.`] };
      }
    },
    stands: () => programmer.stands(),
    remove: async () => {
      // First: packets that would still be handed over are translated as long as there is a table for it.
      for (const left of [await handover.remove(), await programmer.remove()]) {
        if (left !== null) log.error('a table in the kernel could not be removed', { problem: left });
      }
      const routes = await attempt('Rules and routes for the proxy could not be removed', () => surroundings.remove());
      for (const problem of routes) log.error(problem);
    },
  };
}
