import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { FAMILIES } from '../../core/metrics/families.ts';
import type { GaugeValue } from '../../core/metrics/delta.ts';

const RESOLUTION_MS = 20;
const NS_PER_SECOND = 1e9;

/** Gauges of the thread that calls. */
export interface ThreadUsage {
  gauges(thread: string): readonly GaugeValue[];
}

/** Watches the event loop and the heap of the thread it is started in; every reading starts a new period. */
export class ThreadWatch implements ThreadUsage {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #before = performance.eventLoopUtilization();

  start(): void {
    this.#delay.enable();
    this.#before = performance.eventLoopUtilization();
  }

  stop(): void {
    this.#delay.disable();
  }

  gauges(thread: string): readonly GaugeValue[] {
    const now = performance.eventLoopUtilization();
    const utilization = performance.eventLoopUtilization(now, this.#before).utilization;
    this.#before = now;
    // The histogram holds intervals between ticks of a timer: what exceeds the timer's own is lag.
    const lagSeconds = Math.max(0, this.#delay.percentile(99) / NS_PER_SECOND - RESOLUTION_MS / 1000);
    this.#delay.reset();
    return [
      { family: FAMILIES.eventLoopLag.name, labels: [thread], value: lagSeconds },
      { family: FAMILIES.eventLoopUtilization.name, labels: [thread], value: utilization },
      { family: FAMILIES.heapUsed.name, labels: [thread], value: process.memoryUsage().heapUsed },
    ];
  }
}

/** Resident memory of the process; reported by its main thread alone, since gauges of all reports are added up. */
export function residentMemory(): GaugeValue {
  return { family: FAMILIES.residentMemory.name, labels: [], value: process.memoryUsage.rss() };
}
