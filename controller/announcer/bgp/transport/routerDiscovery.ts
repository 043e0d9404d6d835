import type { Logger } from '../../../../core/log/logger.ts';
import type { Clock } from '../../../../core/time/clock.ts';
import type { Link } from '../../parts.ts';
import type { RouterPlace } from './peerSocket.ts';
import { openRouterSession, ownPlace, type OwnPlace, type RouterSession } from './routerSession.ts';
import { createRouterTable, type RouterTable } from './routerTable.ts';

/** Finds the routers of peers that are named by an interface, and makes us known to them, by router advertisements (RFC 4861). */
export interface RouterDiscovery {
  /** From now on on these interfaces, by name. */
  watch(interfaces: ReadonlySet<string>): void;
  /** Where to connect to, or why nowhere, in words. */
  router(interfaceName: string): RouterPlace | string;
  /** Nobody answers there: another router is preferred, if one is heard. */
  failed(interfaceName: string, address: string): void;
  stop(): void;
}

/** What it is given. */
export interface RouterDiscoveryDependencies {
  readonly links: () => readonly Link[];
  readonly logger: Logger;
  readonly clock: Clock;
  /** A router is heard on an interface on which it was not before. */
  readonly heard: (interfaceName: string) => void;
}

/** What is known of one interface. */
interface Watched {
  table: RouterTable;
  session: RouterSession | null;
  /** Why there is none, in words; empty: there is. */
  problem: string;
  retryMs: number;
}

/** Node.js cannot wait for a packet socket in its event loop; interfaces with such peers are few. */
const LOOK_INTERVAL_MS = 100;
/** After a failure. */
const RETRY_DELAY_MS = 1_000;

/** Does nothing before `watch`. */
export function createRouterDiscovery({ links, logger, clock, heard }: RouterDiscoveryDependencies): RouterDiscovery {
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | null = null;

  const close = (entry: Watched, problem: string): void => {
    entry.session?.close();
    entry.session = null;
    entry.problem = problem;
  };
  /** Routers of a link that has become another one are forgotten with it. */
  const follow = (name: string, entry: Watched, nowMs: number): void => {
    const link = links().find((candidate) => candidate.name === name);
    const place = ownPlace(link);
    if (place === null) return close(entry, link === undefined ? `there is no interface ${name}` : `interface ${name} is down, or has no IPv6 link-local address`);
    if (entry.session !== null && isSamePlace(entry.session.place, place)) return;
    close(entry, '');
    if (nowMs < entry.retryMs) return;
    entry.table = createRouterTable();
    entry.session = openRouterSession(place, entry.table);
  };
  const look = (name: string, entry: Watched): void => {
    const nowMs = clock.now();
    try {
      follow(name, entry, nowMs);
      if (entry.session?.look(nowMs) === true) heard(name);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (entry.problem !== text) logger.warn('routers cannot be looked for on an interface; trying again', { interface: name, error });
      close(entry, text);
      entry.retryMs = nowMs + RETRY_DELAY_MS;
    }
  };
  const turn = (): void => { for (const [name, entry] of watched) look(name, entry); };
  const keepTimer = (): void => {
    if (timer !== null && watched.size === 0) clearInterval(timer);
    if (watched.size === 0) timer = null;
    else timer ??= setInterval(turn, LOOK_INTERVAL_MS);
  };
  const watch = (interfaces: ReadonlySet<string>): void => {
    for (const [name, entry] of watched) {
      if (interfaces.has(name)) continue;
      close(entry, '');
      watched.delete(name);
    }
    for (const name of interfaces) {
      if (!watched.has(name)) watched.set(name, { table: createRouterTable(), session: null, problem: '', retryMs: 0 });
    }
    keepTimer();
  };
  return {
    watch,
    router: (name) => routerOf(name, watched.get(name)),
    failed: (name, address) => watched.get(name)?.table.failed(address),
    stop: () => watch(new Set()),
  };
}

function routerOf(name: string, entry: Watched | undefined): RouterPlace | string {
  const address = entry?.table.chosen() ?? null;
  if (entry === undefined || entry.session === null || address === null) {
    return entry !== undefined && entry.problem !== '' ? entry.problem : `no router advertises itself on interface ${name}`;
  }
  return { address, scopeId: entry.session.place.index, interface: name };
}

function isSamePlace(one: OwnPlace, other: OwnPlace): boolean {
  return one.index === other.index && one.address === other.address && one.macText === other.macText;
}
