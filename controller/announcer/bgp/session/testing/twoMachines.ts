import assert from 'node:assert/strict';

import type { ConnectionId, SessionEffect, SessionEvent, SessionMachine, SessionOptions } from '../sessionEvents.ts';
import { moment, watchedMachine } from './watchedMachine.ts';

/** What is under way to one end of a connection, in order. */
type Delivery =
  | { readonly type: 'connected' | 'connectFailed' | 'accepted' | 'closed' }
  | { readonly type: 'octets'; readonly octets: Uint8Array };

interface End {
  readonly side: 0 | 1;
  /** Null: not accepted yet. */
  id: ConnectionId | null;
  /** It was closed here, or is over: what still comes is for nobody. */
  isOver: boolean;
  readonly queue: Delivery[];
}

interface Link {
  readonly name: string;
  readonly ends: readonly [End, End];
}

/** Something that may happen next. */
export interface Choice {
  /** The same for the same thing, in whatever order others happen. */
  readonly label: string;
  readonly side: 0 | 1;
  deliver(): void;
}

/** Two machines and the connections between them; nothing happens by itself. */
export interface TwoMachines {
  readonly machines: readonly [SessionMachine, SessionMachine];
  handle(side: 0 | 1, event: SessionEvent): void;
  /** What is under way: the first delivery of each queue. */
  choices(): readonly Choice[];
  /** Time passes until a timer is due on one side. Answers false when none is. */
  passToNextTimer(): boolean;
  /** Connections from now on are refused, or not. */
  setReachable(isReachable: boolean): void;
  /** All connections break: each end is told, or not (a lossy close). */
  breakAll(isTold: (side: 0 | 1) => boolean): void;
  nowMs(): number;
  /** The connection over which both sides are Established; null: they are not. */
  session(): string | null;
  states(): string;
}

/** What there is of both sides. */
interface Net {
  readonly machines: readonly [SessionMachine, SessionMachine];
  /** By side. */
  readonly established: (ConnectionId | null)[];
  readonly connects: [number, number];
  readonly accepts: [number, number];
  links: readonly Link[];
  nowMs: number;
  isReachable: boolean;
}

/** Two machines that were made with these options, at rest. */
export function twoMachines(options: readonly [SessionOptions, SessionOptions]): TwoMachines {
  const net: Net = {
    machines: [watchedMachine(options[0]), watchedMachine(options[1])],
    established: [null, null],
    connects: [0, 0],
    accepts: [0, 0],
    links: [],
    nowMs: 0,
    isReachable: true,
  };
  return {
    machines: net.machines,
    handle: (side, event) => handle(net, side, event),
    choices: () => net.links.flatMap(({ name, ends }) => ends
      .filter(({ isOver, queue }) => !isOver && queue.length > 0)
      .map((end): Choice => ({ label: `${name} ${end.queue[0]?.type}`, side: end.side, deliver: () => deliver(net, end) }))),
    passToNextTimer: () => passToNextTimer(net),
    setReachable(isReachable) {
      net.isReachable = isReachable;
    },
    breakAll: (isTold) => breakAll(net, isTold),
    nowMs: () => net.nowMs,
    session: () => net.links.find(({ ends }) => ends.every(({ side, id, isOver }) => !isOver && id !== null && id === net.established[side]))?.name ?? null,
    states: () => net.machines.map((machine) => machine.view(moment(net.nowMs)).state).join(' and '),
  };
}

function handle(net: Net, side: 0 | 1, event: SessionEvent): void {
  for (const effect of net.machines[side].handle(event, moment(net.nowMs))) perform(net, side, effect);
  net.links = net.links.filter(({ ends }) => !ends.every(({ isOver }) => isOver));
}

function perform(net: Net, side: 0 | 1, effect: SessionEffect): void {
  switch (effect.type) {
    case 'connect':
      return openLink(net, side, effect.connection);
    case 'send':
      endsOf(net, side, effect.connection)[1].queue.push({ type: 'octets', octets: effect.octets });
      return;
    case 'close': {
      const [ours, theirs] = endsOf(net, side, effect.connection);
      ours.isOver = true;
      theirs.queue.push({ type: 'closed' });
      return;
    }
    case 'established':
      net.established[side] = effect.connection;
      return;
    case 'down':
      net.established[side] = null;
      return;
    case 'refresh':
    case 'endOfRib':
  }
}

function openLink(net: Net, side: 0 | 1, id: ConnectionId): void {
  const { isReachable } = net;
  net.connects[side] += 1;
  const ours: End = { side, id, isOver: false, queue: [{ type: isReachable ? 'connected' : 'connectFailed' }] };
  const theirs: End = { side: side === 0 ? 1 : 0, id: null, isOver: !isReachable, queue: isReachable ? [{ type: 'accepted' }] : [] };
  net.links = [...net.links, { name: `${side}.${net.connects[side]}`, ends: [ours, theirs] }];
}

/** That of this side first. */
function endsOf(net: Net, side: 0 | 1, id: ConnectionId): readonly [End, End] {
  const isWanted = (end: End): boolean => end.side === side && end.id === id && !end.isOver;
  for (const { ends: [one, other] } of net.links) {
    if (isWanted(one)) return [one, other];
    if (isWanted(other)) return [other, one];
  }
  throw new assert.AssertionError({ message: `${id} is no open connection` });
}

function deliver(net: Net, end: End): void {
  const delivery = end.queue.shift();
  if (delivery === undefined) return;
  if (delivery.type === 'accepted') {
    end.id = net.accepts[end.side];
    net.accepts[end.side] += 1;
  }
  if (delivery.type === 'closed' || delivery.type === 'connectFailed') end.isOver = true;
  handle(net, end.side, eventOf(delivery, end));
}

function passToNextTimer(net: Net): boolean {
  const due = net.machines.map((machine) => machine.dueMs()).filter((dueMs) => dueMs !== null);
  if (due.length === 0) return false;
  net.nowMs = Math.max(net.nowMs, Math.min(...due));
  for (const side of [0, 1] as const) if ((net.machines[side].dueMs() ?? Infinity) <= net.nowMs) handle(net, side, { type: 'tick' });
  return true;
}

function breakAll(net: Net, isTold: (side: 0 | 1) => boolean): void {
  for (const end of net.links.flatMap(({ ends }) => ends)) {
    end.queue.length = 0;
    if (end.id === null || end.isOver) end.isOver = true;
    else if (isTold(end.side)) end.queue.push({ type: 'closed' });
  }
}

function eventOf(delivery: Delivery, { id, side }: End): SessionEvent {
  const connection = id ?? 0;
  const ends = side === 0 ? { localAddress: '192.0.2.1', remoteAddress: '192.0.2.2' } : { localAddress: '192.0.2.2', remoteAddress: '192.0.2.1' };
  switch (delivery.type) {
    case 'connected':
    case 'accepted':
      return { type: delivery.type, connection, ends };
    case 'connectFailed':
    case 'closed':
      return { type: delivery.type, connection, reason: 'reset by peer' };
    case 'octets':
      return { type: 'octets', connection, octets: delivery.octets };
  }
}
