import { FAMILIES } from '../../core/metrics/families.ts';
import type { CounterDelta, GaugeValue } from '../../core/metrics/delta.ts';
import type { L4Usage } from '../l4/l4Engine.ts';
import type { DatagramDrop, L4Outcome, L4Protocol, L4Record } from '../l4/l4Record.ts';
import type { L4Route } from '../../core/ir/l4.ts';
import { CounterSeries, CounterSet } from './counterSeries.ts';

/** Octets of a route as last reported. */
interface Reported {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Series of one owner and protocol. Owners are objects, not traffic: their number is bounded by the snapshot. */
interface OwnerSeries {
  readonly opened: CounterSeries;
  readonly finished: CounterSet<L4Outcome>;
}

/** Counts what the L4 data plane of one worker does. */
export class L4Metrics {
  /** Labels as JSON → series. */
  readonly #owners = new Map<string, OwnerSeries>();
  /** Key of a usage → what has been reported of it. */
  #reported = new Map<string, Reported>();
  readonly #refused = new CounterSet<'noListener' | 'acceptFailed'>(FAMILIES.l4Refused.name);
  readonly #dropped = new CounterSet<DatagramDrop>(FAMILIES.datagramsDropped.name);

  opened(route: L4Route, protocol: L4Protocol): void {
    this.#owner(route, protocol).opened.value += 1;
  }

  finished({ route, protocol, outcome }: L4Record): void {
    this.#owner(route, protocol).finished.add(outcome);
  }

  refused(reason: 'noListener' | 'acceptFailed'): void {
    this.#refused.add(reason);
  }

  datagramDropped(reason: DatagramDrop): void {
    this.#dropped.add(reason);
  }

  /** What was counted since the last time, and what `usages` says has grown since then. */
  take(usages: readonly L4Usage[]): { readonly counters: readonly CounterDelta[]; readonly gauges: readonly GaugeValue[] } {
    const counters: CounterDelta[] = [];
    for (const { opened, finished } of this.#owners.values()) {
      opened.take(counters);
      finished.take(counters);
    }
    // What is used again is made again: owners that are gone leave nothing behind.
    this.#owners.clear();
    this.#refused.take(counters);
    this.#dropped.take(counters);
    return { counters: [...counters, ...this.#takeBytes(usages)], gauges: openGauges(usages) };
  }

  #takeBytes(usages: readonly L4Usage[]): CounterDelta[] {
    const before = this.#reported;
    this.#reported = new Map();
    const counters: CounterDelta[] = [];
    for (const { key, route, protocol, receivedBytes, sentBytes } of usages) {
      const last = before.get(key) ?? { receivedBytes: 0, sentBytes: 0 };
      this.#reported.set(key, { receivedBytes, sentBytes });
      const labels = labelsOf(route, protocol);
      // A listener that went and came back between two reports counts from nothing again.
      const isNew = receivedBytes < last.receivedBytes || sentBytes < last.sentBytes;
      const received = isNew ? receivedBytes : receivedBytes - last.receivedBytes;
      const sent = isNew ? sentBytes : sentBytes - last.sentBytes;
      if (received > 0) counters.push({ family: FAMILIES.l4ReceivedBytes.name, labels, value: received });
      if (sent > 0) counters.push({ family: FAMILIES.l4SentBytes.name, labels, value: sent });
    }
    return counters;
  }

  #owner(route: L4Route, protocol: L4Protocol): OwnerSeries {
    const labels = labelsOf(route, protocol);
    const key = JSON.stringify(labels);
    let series = this.#owners.get(key);
    if (series === undefined) {
      series = { opened: new CounterSeries(FAMILIES.l4Opened.name, labels), finished: new CounterSet(FAMILIES.l4Finished.name, labels) };
      this.#owners.set(key, series);
    }
    return series;
  }
}

/** One value for each owner and protocol: several ports of a Service are added up. */
function openGauges(usages: readonly L4Usage[]): GaugeValue[] {
  const sums = new Map<string, GaugeValue>();
  for (const { route, protocol, open } of usages) {
    const labels = labelsOf(route, protocol);
    const key = JSON.stringify(labels);
    sums.set(key, { family: FAMILIES.l4Open.name, labels, value: (sums.get(key)?.value ?? 0) + open });
  }
  return [...sums.values()];
}

function labelsOf({ owner }: L4Route, protocol: L4Protocol): readonly string[] {
  return [protocol, owner.kind, owner.namespace, owner.name];
}
