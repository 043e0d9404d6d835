import { withdrawalRoom } from '../codec/encodeUpdate.ts';
import type { AddressFamily, BgpMessage, CodecOptions, Nlri, RouteRefreshMessage, UpdateMessage } from '../codec/message.ts';
import { nlriLength } from '../codec/prefix.ts';
import type { OutRoute, OutRouteKey } from './outRoute.ts';
import { createRouteQueue } from './routeQueue.ts';
import { sendableRoutes } from './sendableRoute.ts';

/** How the routes of one family are sent in one session. */
export interface FamilyOutOptions {
  readonly family: AddressFamily;
  readonly codec: CodecOptions;
  /** RFC 7313: a refresh is said to begin and to end. */
  readonly enhancedRouteRefresh: boolean;
  /** What the peer has been sent, all families: kept up to date here. */
  readonly sent: Map<OutRouteKey, OutRoute>;
}

/** Routes of one family on their way to one peer. */
export interface FamilyOut {
  /** From now on the peer is to have this; null: nothing. */
  want(key: OutRouteKey, route: OutRoute | null): void;
  /** The peer asks for everything again. */
  refresh(): void;
  /** The next withdrawals; null: there are none. */
  nextWithdrawal(): UpdateMessage | null;
  /** The next message once nothing is to be withdrawn; null: there is none. */
  next(): BgpMessage | null;
  isEmpty(): boolean;
  /** Paths that the peer has been sent. */
  count(): number;
  /** Routes that cannot be sent in this session, and why, in words. */
  unsendable(): ReadonlyMap<OutRouteKey, string>;
}

/** A new session: nothing has been sent, and End-of-RIB is to follow what is wanted now. */
export function createFamilyOut({ family, codec, enhancedRouteRefresh, sent }: FamilyOutOptions): FamilyOut {
  const withPathId = codec.addPathSend.includes(family);
  const nlriOf = ({ prefix, pathId }: OutRoute): Nlri => ({ prefix, pathId: withPathId ? pathId : null });
  const queue = createRouteQueue({ sent, lengthOf: (route) => nlriLength(nlriOf(route)) });
  const sendable = sendableRoutes(family, codec);
  const unsendable = new Map<OutRouteKey, string>();
  let phase: 'initial' | 'steady' | 'refreshing' = 'initial';
  let refreshAsked = false;

  function nextAnnouncement(): UpdateMessage | null {
    const routes = queue.takeAnnouncements(({ attributes }) => sendable.roomBeside(attributes));
    const [first] = routes;
    if (first === undefined) return null;
    return { type: 'update', family, withdrawn: [], attributes: first.attributes, announced: routes.map(nlriOf) };
  }

  /**
   * The end of what was to be sent, where that is said: End-of-RIB at first (RFC 4724 section 2), later that of a
   * refresh.
   */
  function nextEnd(): BgpMessage | null {
    const ended = phase;
    phase = 'steady';
    if (ended === 'initial') return { type: 'update', family, withdrawn: [], attributes: null, announced: [] };
    return ended === 'refreshing' ? marker('end') : null;
  }

  function marker(subtype: 'begin' | 'end'): RouteRefreshMessage {
    return { type: 'routeRefresh', family, subtype };
  }

  return {
    want(key, route) {
      const obstacle = route === null ? null : sendable.obstacle(route);
      if (obstacle === null) unsendable.delete(key);
      else unsendable.set(key, obstacle);
      queue.want(key, obstacle === null ? route : null);
    },
    refresh() {
      refreshAsked = true;
    },
    nextWithdrawal() {
      const withdrawn = queue.takeWithdrawals(withdrawalRoom(family, codec)).map(nlriOf);
      return withdrawn.length === 0 ? null : { type: 'update', family, withdrawn, attributes: null, announced: [] };
    },
    // A refresh waits for what is under way: for End-of-RIB, before which it must not begin (RFC 7313 section 4), and for a refresh
    // before it, so that a peer which asks without end gets one after the other and no more.
    next() {
      const message = nextAnnouncement() ?? nextEnd();
      if (message !== null || !refreshAsked) return message;
      refreshAsked = false;
      queue.announceAgain();
      if (!enhancedRouteRefresh) return nextAnnouncement();
      phase = 'refreshing';
      return marker('begin');
    },
    isEmpty() {
      // A refresh of nothing is worth a message only where its beginning and end are told.
      const hasRefresh = refreshAsked && (enhancedRouteRefresh || queue.count() > 0);
      return queue.isEmpty() && phase === 'steady' && !hasRefresh;
    },
    count: () => queue.count(),
    unsendable: () => unsendable,
  };
}
