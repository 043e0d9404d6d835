import { encodeMessage } from '../../codec/codec.ts';
import { createMessageFramer } from '../../codec/framer.ts';
import { PLAIN_CODEC, type BgpMessage, type OpenMessage, type ReceivedMessage } from '../../codec/message.ts';
import type { ConnectionEnds, ConnectionId, SessionEffect, SessionEvent, SessionMachine, SessionOptions, SessionView } from '../sessionEvents.ts';
import { TEST_ENDS, testOpen, testOptions } from './testPeer.ts';
import { moment, watchedMachine } from './watchedMachine.ts';

/** A machine with the test as its shell and its peer, on a clock that stands still unless told. */
export interface Conversation {
  readonly machine: SessionMachine;
  nowMs(): number;
  handle(event: SessionEvent): readonly SessionEffect[];
  /** Time passes, with a `tick` whenever one is due. Answers all effects. */
  pass(ms: number): readonly SessionEffect[];
  /** Time passes at once: `tick` comes at the end, late. */
  jump(ms: number): readonly SessionEffect[];
  /** The peer sends a message, or raw octets. */
  hear(connection: ConnectionId, message: BgpMessage | Uint8Array): readonly SessionEffect[];
  /** The peer connects. */
  accept(ends?: ConnectionEnds): { readonly connection: ConnectionId; readonly effects: readonly SessionEffect[] };
  /** Starts, and answers the connection that was asked for, made. */
  connect(ends?: ConnectionEnds): ConnectionId;
  /** Goes on to Established with that OPEN of the peer. */
  establish(open?: OpenMessage, ends?: ConnectionEnds): ConnectionId;
  view(): SessionView;
}

/** A conversation with a machine that was made with these options. */
export function converse(changes: Partial<SessionOptions> = {}): Conversation {
  const machine = watchedMachine(testOptions(changes));
  let now = 0;
  let accepted = 0;
  const handle = (event: SessionEvent): readonly SessionEffect[] => machine.handle(event, moment(now));
  const hear = (connection: ConnectionId, message: BgpMessage | Uint8Array): readonly SessionEffect[] =>
    handle({ type: 'octets', connection, octets: message instanceof Uint8Array ? message : encodeMessage(message, PLAIN_CODEC) });
  const connect = (ends = TEST_ENDS): ConnectionId => {
    const effects = [...handle({ type: 'start' })];
    for (let tries = 0; tries < 100 && !effects.some(({ type }) => type === 'connect'); tries += 1) effects.push(...pass(1_000));
    const asked = effects.find((effect) => effect.type === 'connect');
    if (asked === undefined) throw new Error('no connection was asked for');
    handle({ type: 'connected', connection: asked.connection, ends });
    return asked.connection;
  };
  function pass(ms: number): readonly SessionEffect[] {
    const effects: SessionEffect[] = [];
    const end = now + ms;
    for (let due = machine.dueMs(); due !== null && due <= end; due = machine.dueMs()) {
      now = Math.max(now, due);
      effects.push(...handle({ type: 'tick' }));
    }
    now = end;
    return effects;
  }
  return {
    machine,
    nowMs: () => now,
    handle,
    pass,
    jump(ms) {
      now += ms;
      return handle({ type: 'tick' });
    },
    hear,
    accept(ends = TEST_ENDS) {
      const connection = accepted;
      accepted += 1;
      return { connection, effects: handle({ type: 'accepted', connection, ends }) };
    },
    connect,
    establish(open = testOpen(), ends = TEST_ENDS) {
      const connection = connect(ends);
      hear(connection, open);
      hear(connection, { type: 'keepalive' });
      return connection;
    },
    view: () => machine.view(moment(now)),
  };
}

/** The messages among effects, as their peer reads them. */
export function messagesSent(effects: readonly SessionEffect[], connection?: ConnectionId): readonly ReceivedMessage[] {
  return effects
    .filter((effect) => effect.type === 'send')
    .filter((effect) => connection === undefined || effect.connection === connection)
    .flatMap(({ octets }) => [...createMessageFramer(PLAIN_CODEC).messages(octets)])
    .map((decoded) => {
      if (!decoded.ok) throw new Error(decoded.fault.text);
      return decoded.message;
    });
}

/** What effects are, in short: `send open`, `send 6/2`, `close`, `connect`, ... */
export function inShort(effects: readonly SessionEffect[]): readonly string[] {
  return effects.map((effect) => {
    if (effect.type !== 'send') return effect.type;
    const [message] = messagesSent([effect]);
    return message?.type === 'notification' ? `send ${message.code}/${message.subcode}` : `send ${message?.type}`;
  });
}
