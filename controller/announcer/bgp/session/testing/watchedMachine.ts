import assert from 'node:assert/strict';

import type { ConnectionId, Moment, SessionEffect, SessionEvent, SessionMachine, SessionOptions } from '../sessionEvents.ts';
import { createSessionMachine } from '../sessionMachine.ts';

/** The wall clock when the monotonic one says 0. */
export const WALL_START_MS = 1_700_000_000_000;

/** The moment that is so many ms after the start. */
export function moment(monotonicMs: number): Moment {
  return { monotonicMs, wallMs: WALL_START_MS + monotonicMs };
}

/** What a shell would know. */
interface Watch {
  /** Connections that are open, or asked for, on our side. */
  readonly open: Map<ConnectionId, { readonly isOurs: boolean; isThere: boolean }>;
  established: ConnectionId | null;
}

/** A machine whose promises are checked with every event: what it does to connections that are not open fails the test. */
export function watchedMachine(options: SessionOptions): SessionMachine {
  const machine = createSessionMachine(options);
  const watch: Watch = { open: new Map(), established: null };
  return {
    ...machine,
    handle(event, now) {
      noteEvent(watch, event);
      const effects = machine.handle(event, now);
      for (const effect of effects) checkEffect(watch, effect);
      const { open, established } = watch;
      assert.ok(open.size <= 2, `at most two connections, not ${open.size}`);
      assert.equal(machine.view(now).state === 'Established', established !== null, 'the view says what was told');
      if (established !== null) assert.ok(open.has(established), 'a session has an open connection');
      return effects;
    },
  };
}

function noteEvent({ open }: Watch, event: SessionEvent): void {
  if (event.type === 'accepted') open.set(event.connection, { isOurs: false, isThere: true });
  if (event.type === 'connectFailed' || event.type === 'closed') open.delete(event.connection);
  const made = event.type === 'connected' ? open.get(event.connection) : undefined;
  if (made !== undefined) made.isThere = true;
}

function checkEffect(watch: Watch, effect: SessionEffect): void {
  const { open } = watch;
  switch (effect.type) {
    case 'connect':
      assert.ok(effect.connection < 0, 'numbers of its own are negative');
      assert.ok(![...open.values()].some(({ isOurs }) => isOurs), 'one connection of ours at a time');
      open.set(effect.connection, { isOurs: true, isThere: false });
      return;
    case 'send':
      assert.equal(open.get(effect.connection)?.isThere, true, 'what is sent goes to an open connection');
      return;
    case 'close':
      assert.ok(open.delete(effect.connection), 'what is closed was open');
      return;
    case 'established':
      assert.equal(watch.established, null, 'established once, until it is down');
      assert.equal(open.get(effect.connection)?.isThere, true);
      watch.established = effect.connection;
      return;
    case 'down':
      assert.notEqual(watch.established, null, 'down after established only');
      assert.notEqual(effect.reason, '');
      watch.established = null;
      return;
    case 'refresh':
    case 'endOfRib':
      assert.notEqual(watch.established, null, 'routes are of established sessions');
  }
}
