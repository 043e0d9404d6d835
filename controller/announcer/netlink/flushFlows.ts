import { setImmediate as nextTurn } from 'node:timers/promises';
import { NETLINK_NETFILTER, openNetlinkSocket } from '../../../core/os/netlinkSocket.ts';
import { systemClock } from '../../../core/time/clock.ts';
import type { StaleFlows } from '../kernel/kernelParts.ts';
import {
  CONNTRACK_DELETE, CONNTRACK_GET, CONNTRACK_NEW, decodeConntrackEntry, encodeConntrackDelete, encodeConntrackDump, type ConntrackEntry, type ConntrackFilter,
} from './conntrackMessage.ts';
import { createNetlinkClient, type NetlinkClient } from './netlinkClient.ts';
import { NetlinkError } from './netlinkError.ts';
import { createStaleFlowFinder, type StaleFlowFinder } from './staleFlows.ts';

/** What is read in one turn of the event loop: whoever calls has other work. */
const TURN_MS = 5;
/** The kernel gives up to 32 KiB at a time. */
const DATAGRAM_BYTES = 1 << 15;

/**
 * Deletes the entries that ConntrackFlush.flush names. They are read and deleted one after the other, so that any number takes
 * the same memory. The kernel looks for the few that fit without a pause, some 0.2 us for each that it has. Rejects with
 * NetlinkError or SystemError.
 */
export async function flushFlows(flows: readonly StaleFlows[]): Promise<void> {
  const finder = createStaleFlowFinder(flows);
  for (const filter of finder.filters) await flushFiltered(finder, filter);
}

/** A client for connection tracking. Throws SystemError. */
export function openConntrackClient(): NetlinkClient {
  return createNetlinkClient(openNetlinkSocket({ protocol: NETLINK_NETFILTER, groups: [], datagramBytes: DATAGRAM_BYTES, queueBytes: null }));
}

async function flushFiltered(finder: StaleFlowFinder, filter: ConntrackFilter): Promise<void> {
  // Two sockets, as the list goes on while entries are deleted.
  const lister = openConntrackClient();
  try {
    const deleter = openConntrackClient();
    try {
      await flushListed({ lister, deleter, finder }, filter);
    } finally {
      deleter.close();
    }
  } finally {
    lister.close();
  }
}

interface Flushing {
  readonly lister: NetlinkClient;
  readonly deleter: NetlinkClient;
  readonly finder: StaleFlowFinder;
}

async function flushListed({ lister, deleter, finder }: Flushing, filter: ConntrackFilter): Promise<void> {
  let turnEnd = systemClock.now() + TURN_MS;
  for (const { type, payload } of listEntries(lister, filter)) {
    const entry = type === CONNTRACK_NEW ? decodeConntrackEntry(payload) : null;
    if (entry !== null && finder.isStale(entry)) deleteEntry(deleter, entry);
    if (systemClock.now() < turnEnd) continue;
    await nextTurn();
    turnEnd = systemClock.now() + TURN_MS;
  }
}

function listEntries(lister: NetlinkClient, filter: ConntrackFilter): ReturnType<NetlinkClient['dump']> {
  return lister.dump({ type: CONNTRACK_GET, parts: encodeConntrackDump(filter), purpose: 'list connection tracking entries' });
}

function deleteEntry(deleter: NetlinkClient, entry: ConntrackEntry): void {
  try {
    deleter.request({ type: CONNTRACK_DELETE, parts: encodeConntrackDelete(entry), purpose: 'delete a connection tracking entry' });
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof NetlinkError && error.errnoName === 'ENOENT')) throw error;
  }
}
