import type { L2Answer, L2Interface } from '../parts.ts';
import { AddressTable } from './addressTable.ts';
import { Askers, askersPerVip } from './askers.ts';
import { isNewOwnerHeard, takeOver } from './conflict.ts';
import { addVip, forgetFormer, type L2State } from './l2State.ts';
import { parseMac, printMac } from './macAddress.ts';
import type { Outbox } from './outbox.ts';
import { PacedQueue } from './pacedQueue.ts';
import { beginAnnouncing, beginProbing, hasTwin, isAnnounced, leave, own, silence } from './phases.ts';
import { createSharing } from './sharing.ts';
import type { L2Link, Share, Vip, VipLink, Work } from './vip.ts';

interface ApplyContext {
  readonly state: L2State;
  readonly nowMs: number;
  readonly outbox: Outbox;
  /** Clients that one VIP may remember. */
  readonly askers: number;
}

/** Makes `state` answer for exactly `answers`; what is new is put into the queues of the interfaces. Throws TypeError on text that is no address. */
export function applyAnswers(answers: readonly L2Answer[], state: L2State, nowMs: number, outbox: Outbox): void {
  const wanted = new Map(answers.map((answer) => [answer.address, answer]));
  const shared = answers.filter(({ mode }) => mode.type === 'perClient').length;
  const context: ApplyContext = { state, nowMs, outbox, askers: askersPerVip(shared) };
  for (const vip of state.vips.values()) if (!wanted.has(vip.address)) removeVip(state, vip);
  applyLinks(wanted.values(), state);
  for (const answer of wanted.values()) applyAnswer(answer, context);
  for (const vip of state.vips.values()) for (const on of vip.links.values()) on.link.vips.add(vip.octets, on);
  forgetFormer(state);
}

function removeVip(state: L2State, vip: Vip): void {
  for (const on of vip.links.values()) silence(on);
  state.vips.delete(vip.address);
}

/** Keeps the interfaces that are still used with the same MAC; all get an empty table. */
function applyLinks(answers: Iterable<L2Answer>, { links }: L2State): void {
  const used = new Map<number, L2Interface>();
  for (const { interfaces } of answers) for (const one of interfaces) used.set(one.index, one);
  for (const index of links.keys()) if (!used.has(index)) links.delete(index);
  for (const one of used.values()) {
    const before = links.get(one.index);
    const isSame = before !== undefined && before.name === one.name && printMac(before.mac) === one.mac;
    if (isSame) before.vips = new AddressTable();
    else links.set(one.index, createLink(one));
  }
}

function createLink({ index, name, mac }: L2Interface): L2Link {
  return { index, name, mac: parseMac(mac), queue: new PacedQueue<Work>(), vips: new AddressTable() };
}

function applyAnswer(answer: L2Answer, context: ApplyContext): void {
  const vip = context.state.vips.get(answer.address) ?? addVip(context.state, answer.address);
  const { share, announcement } = vip;
  vip.share = shareOf(answer, share, context.askers);
  vip.announcement = answer.announcement ?? 0;
  if (!answer.leaving) vip.isTakenOver = false;
  const indexes = new Set(answer.interfaces.map(({ index }) => index));
  for (const [index, on] of vip.links) {
    if (indexes.has(index) && context.state.links.get(index) === on.link) continue;
    silence(on);
    vip.links.delete(index);
  }
  const isCalled = announcement !== vip.announcement || (share !== null && vip.share === null);
  for (const index of indexes) {
    const link = context.state.links.get(index);
    const on = vip.links.get(index);
    if (on !== undefined) {
      continueOn(on, answer, context);
      if (isCalled) callAgain(on, context.nowMs);
      endTwin(on, context.nowMs);
      repoint(on, share, context.nowMs);
    } else if (link !== undefined) {
      repoint(begin({ vip, link }, answer, context.nowMs), null, context.nowMs);
    }
  }
}

/** What a member claimed while it was out of sight, and until it hears of this one, is no conflict. */
function callAgain(on: VipLink, nowMs: number): void {
  on.suspect = null;
  on.vip.calledMs = nowMs;
  if (isAnnounced(on)) beginAnnouncing(on, nowMs);
}

/** Where the interface that has spoken in its place is gone, it speaks again. */
function endTwin(on: VipLink, nowMs: number): void {
  if (on.twin === null || hasTwin(on)) return;
  on.twin = null;
  if (isAnnounced(on)) beginAnnouncing(on, nowMs);
}

function begin({ vip, link }: Pick<VipLink, 'vip' | 'link'>, answer: L2Answer, nowMs: number): VipLink {
  const never = Number.NEGATIVE_INFINITY;
  const on: VipLink = {
    vip, link, phase: 'owning', row: 0, ownedMs: never, timesHeld: 0, suspect: null, suspectedMs: never, usedMs: never, announcedMs: never, twin: null,
  };
  vip.links.set(link.index, on);
  if (answer.leaving) endUse(on);
  else if (mustProbe(answer)) beginProbing(on, nowMs);
  else own(on, nowMs);
  return on;
}

function continueOn(on: VipLink, answer: L2Answer, { nowMs, outbox }: ApplyContext): void {
  switch (on.phase) {
    case 'owning':
      if (!answer.leaving) return;
      // Who has used the address a moment ago is the new owner: nothing else has to be waited for.
      if (isNewOwnerHeard(on, nowMs) && !on.vip.isTakenOver) takeOver(on.vip, outbox);
      else endUse(on);
      return;
    case 'probing':
    case 'held':
      // It was never ours: there is nothing to go on answering.
      if (answer.leaving) silence(on);
      // What has been asked is waited for, though by now the address may count as used.
      else if (answer.mode.type === 'perClient') own(on, nowMs);
      return;
    case 'leaving':
    case 'takenOver':
      if (!answer.leaving) own(on, nowMs);
  }
}

function endUse(on: VipLink): void {
  if (on.vip.isTakenOver) silence(on);
  else leave(on);
}

/** Those that share a VIP cannot ask whether it is free: they would answer each other. */
function mustProbe(answer: L2Answer): boolean {
  return answer.probe === true && answer.mode.type === 'owner';
}

function shareOf({ address, mode }: L2Answer, before: Share | null, limit: number): Share | null {
  if (mode.type === 'owner') return null;
  before?.askers.setLimit(limit);
  const { self, nodes } = mode;
  if (before !== null && before.self === self && isSameList(before.nodes, nodes)) return before;
  return { self, nodes: [...nodes], sharing: createSharing(address, nodes), askers: before?.askers ?? new Askers(limit) };
}

/** Calls the clients that are this node's now and, on this interface, were not before; `before` null: none was. */
function repoint(on: VipLink, before: Share | null, nowMs: number): void {
  const { share } = on.vip;
  if (share === null || share === before || on.phase !== 'owning') return;
  const clients = share.askers.all().filter(({ interfaceIndex, identity }) =>
    interfaceIndex === on.link.index && isOurs(share, identity) && !(before !== null && isOurs(before, identity)));
  if (clients.length > 0) on.link.queue.add(nowMs, { type: 'repoint', on, clients, next: 0, round: 0 });
}

function isOurs({ sharing, self }: Share, identity: Uint8Array): boolean {
  return sharing.sharerOf(identity) === self;
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}
