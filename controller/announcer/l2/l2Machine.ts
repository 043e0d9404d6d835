import { printIpAddress } from '../../../core/net/ipAddress.ts';
import type { L2Answer } from '../parts.ts';
import type { FrameCounts } from '../report.ts';
import { applyAnswers } from './applyAnswers.ts';
import type { IgnoredReason } from './ignoredReason.ts';
import type { L2Action } from './l2Action.ts';
import { emptyL2State, type L2State } from './l2State.ts';
import { isMac, macNumber, parseMac, printMac } from './macAddress.ts';
import { Outbox } from './outbox.ts';
import { performWork } from './performWork.ts';
import { beginAnnouncing, isAnnounced } from './phases.ts';
import { receive } from './receive.ts';
import { ReplyLimit } from './replyLimit.ts';
import { ALL_NODES, groupMac, solicitedNodeGroup } from './solicitedNode.ts';

export type { L2Action } from './l2Action.ts';

/** A multicast group that must be heard on an interface: `ff02::1:ff00:1` and `33:33:ff:00:00:01`. */
export interface MulticastGroup {
  readonly address: string;
  readonly mac: string;
}

export interface L2MachineOptions {
  /** Between two repetitions of gratuitous frames after the burst of a take-over; 0: none. */
  readonly gratuitousIntervalMs: number;
}

/**
 * ARP and NDP for the VIPs of this node as a pure machine: no sockets, no clock. `nowMs` is monotonic. What a call
 * answers is valid until the next call. Frames begin with the Ethernet header and are not kept.
 */
export interface L2Machine {
  /** From now on exactly these. Throws TypeError on text that is no IP or Ethernet address. */
  setAnswers(answers: readonly L2Answer[], nowMs: number): readonly L2Action[];
  /**
   * MACs of all interfaces of this machine, as `02:00:00:00:00:01`: frames from them are no conflicts. Those in answers count
   * anyway; text of other links, that is no Ethernet address, counts for nothing.
   */
  setOwnMacs(macs: readonly string[]): void;
  /** The link of an interface has come back: what is owned is announced on it again. */
  linkUp(interfaceIndex: number, nowMs: number): readonly L2Action[];
  /** A frame was received. Never throws, whatever is in it. */
  frame(interfaceIndex: number, frame: Uint8Array, nowMs: number): readonly L2Action[];
  /** Does what is due. */
  tick(nowMs: number): readonly L2Action[];
  /** When `tick` is due, on the scale of `nowMs`; null: nothing is planned. Ask after every call. */
  nextTickMs(): number | null;
  /** Frames by VIP, since the machine was made. */
  counts(): ReadonlyMap<string, FrameCounts>;
  /** Frames that were not for us or broke a rule, by reason. */
  ignored(): ReadonlyMap<IgnoredReason, number>;
  /** Groups to join on an interface for the IPv6 VIPs it answers for; empty without any. Changes with `setAnswers` only. */
  groups(interfaceIndex: number): readonly MulticastGroup[];
}

/** A machine that answers nothing until `setAnswers`. */
export function createL2Machine({ gratuitousIntervalMs }: L2MachineOptions): L2Machine {
  const state = emptyL2State();
  const outbox = new Outbox();
  const limit = new ReplyLimit();
  const ignoredCounts = new Map<IgnoredReason, number>();
  let machineMacs: ReadonlySet<number> = new Set();
  let answerMacs: ReadonlySet<number> = new Set();
  const isOwnMac = (mac: number): boolean => machineMacs.has(mac) || answerMacs.has(mac);
  const perform = (nowMs: number): readonly L2Action[] => {
    for (const { queue } of state.links.values()) {
      queue.run(nowMs, (work, framesLeft) => performWork(work, { nowMs, framesLeft, gratuitousIntervalMs, outbox }));
    }
    return outbox.take();
  };
  return {
    setAnswers(answers, nowMs) {
      applyAnswers(answers, state, nowMs, outbox);
      answerMacs = new Set(Array.from(state.links.values(), ({ mac }) => macNumber(mac)));
      return perform(nowMs);
    },
    setOwnMacs(macs) {
      machineMacs = new Set(macs.filter(isMac).map((mac) => macNumber(parseMac(mac))));
    },
    linkUp(interfaceIndex, nowMs) {
      announceAgain(state, interfaceIndex, nowMs);
      return perform(nowMs);
    },
    frame(interfaceIndex, frame, nowMs) {
      const link = state.links.get(interfaceIndex);
      const reason = link === undefined ? 'interface' : receive(frame, { link, nowMs, isOwnMac, limit, outbox });
      if (reason !== null) ignoredCounts.set(reason, (ignoredCounts.get(reason) ?? 0) + 1);
      return outbox.take();
    },
    tick: perform,
    nextTickMs: () => nextTickMs(state),
    counts: () => new Map(Array.from(state.memories, ([address, { counts }]) => [address, { ...counts }])),
    ignored: () => new Map(ignoredCounts),
    groups: (interfaceIndex) => groupsOf(state, interfaceIndex),
  };
}

/** A burst again: the first frames after a link has come back are often lost in a switch that still learns. */
function announceAgain(state: L2State, interfaceIndex: number, nowMs: number): void {
  for (const { links } of state.vips.values()) {
    for (const on of links.values()) {
      const wasSilent = on.twin !== null && (on.twin.index === interfaceIndex || on.link.index === interfaceIndex);
      // It may be plugged in elsewhere now.
      if (wasSilent) on.twin = null;
      if ((wasSilent || on.link.index === interfaceIndex) && isAnnounced(on)) beginAnnouncing(on, nowMs);
    }
  }
}

function nextTickMs({ links }: L2State): number | null {
  let next: number | null = null;
  for (const { queue } of links.values()) {
    const due = queue.nextMs();
    if (due !== null && (next === null || due < next)) next = due;
  }
  return next;
}

/** The solicited-node groups for questions, and all nodes for advertisements of others: the kernel may be in neither. */
function groupsOf({ vips }: L2State, interfaceIndex: number): readonly MulticastGroup[] {
  const groups = new Map<string, MulticastGroup>();
  for (const { octets, links } of vips.values()) {
    if (octets.length !== ALL_NODES.length || !links.has(interfaceIndex)) continue;
    for (const group of [ALL_NODES, solicitedNodeGroup(octets)].map(describe)) groups.set(group.address, group);
  }
  return [...groups.values()];
}

function describe(group: Uint8Array): MulticastGroup {
  const value = BigInt(`0x${Buffer.from(group).toString('hex')}`);
  return { address: printIpAddress({ family: 'IPv6', value }), mac: printMac(groupMac(group)) };
}
