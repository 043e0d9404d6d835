import { encodeMessage } from '../codec/codec.ts';
import type { AddressFamily, BgpMessage, CodecOptions } from '../codec/message.ts';
import { attributesKey } from './attributesKey.ts';
import { createFamilyOut, type FamilyOut } from './familyOut.ts';
import type { OutRoute, OutRouteKey, OutRoutes } from './outRoute.ts';

/** What a new session is like. */
export interface AdjRibOutSession {
  readonly codec: CodecOptions;
  /** RFC 7313, negotiated: a refresh is said to begin (BoRR) and to end (EoRR). By default it was not. */
  readonly enhancedRouteRefresh?: boolean;
}

/** One message to send. */
export interface OutMessage {
  readonly type: 'update' | 'routeRefresh';
  readonly octets: Uint8Array;
  readonly messages: 1;
}

/**
 * What one peer is to have and what it has been sent (RFC 4271 section 3.2). Messages are made when they are asked
 * for: a route that changes while it waits is sent in its newest form alone, one that is wanted no more before it was
 * sent is never sent, and a peer that reads slowly costs no memory.
 */
export interface AdjRibOut {
  /**
   * A new session: the peer has nothing, is to be sent all that is wanted, and End-of-RIB for each family (RFC 4724
   * section 2). Before the first one there is nothing to send.
   */
  reset(session: AdjRibOutSession): void;
  /**
   * What the peer is to have from now on, complete. It must not change afterwards. Families that are not in the
   * session wait for another.
   */
  want(routes: OutRoutes): void;
  /** The peer asks for a family again (RFC 2918). Requests during a refresh become one more behind it. */
  refresh(family: AddressFamily): void;
  /**
   * The next message, which then counts as sent: withdrawals first, then announcements. Null: the peer has all that
   * is wanted.
   */
  next(): OutMessage | null;
  /** True when `next` has nothing. */
  isEmpty(): boolean;
  /** What the peer has been sent, and has still, by key; it changes with `next`. */
  sent(): ReadonlyMap<OutRouteKey, OutRoute>;
  /** Paths of a family that the peer has been sent. */
  count(family: AddressFamily): number;
  /**
   * Wanted routes that this session cannot carry, and why, in words: wrong about Path Identifiers, or longer than a
   * message.
   */
  unsendable(): ReadonlyMap<OutRouteKey, string>;
}

/** Nothing is wanted, and there is no session. */
export function createAdjRibOut(): AdjRibOut {
  const sent = new Map<OutRouteKey, OutRoute>();
  let families: ReadonlyMap<AddressFamily, FamilyOut> = new Map();
  let codec: CodecOptions | null = null;
  let wanted: OutRoutes = new Map();

  function nextMessage(): BgpMessage | null {
    for (const family of families.values()) {
      const message = family.nextWithdrawal();
      if (message !== null) return message;
    }
    for (const family of families.values()) {
      const message = family.next();
      if (message !== null) return message;
    }
    return null;
  }

  return {
    reset(session) {
      const { enhancedRouteRefresh = false } = session;
      codec = session.codec;
      sent.clear();
      families = new Map(session.codec.families.map((family) => [
        family, createFamilyOut({ family, codec: session.codec, enhancedRouteRefresh, sent }),
      ]));
      for (const [key, route] of wanted) families.get(route.family)?.want(key, route);
    },
    want(routes) {
      if (routes === wanted) return;
      const before = wanted;
      wanted = routes;
      for (const [key, { family }] of before) if (!routes.has(key)) families.get(family)?.want(key, null);
      for (const [key, route] of routes) if (!isSame(before.get(key), route)) families.get(route.family)?.want(key, route);
    },
    refresh: (family) => families.get(family)?.refresh(),
    next() {
      const message = codec === null ? null : nextMessage();
      if (message === null || codec === null) return null;
      const type = message.type === 'routeRefresh' ? 'routeRefresh' : 'update';
      return { type, octets: encodeMessage(message, codec), messages: 1 };
    },
    isEmpty: () => [...families.values()].every((family) => family.isEmpty()),
    sent: () => sent,
    count: (family) => families.get(family)?.count() ?? 0,
    unsendable: () => new Map([...families.values()].flatMap((family) => [...family.unsendable()])),
  };
}

function isSame(before: OutRoute | undefined, route: OutRoute): boolean {
  return before === route || (before !== undefined && attributesKey(before.attributes) === attributesKey(route.attributes));
}
