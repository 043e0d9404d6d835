/**
 * Which router is heard on an interface. The first one stays the one to speak to until it does not answer or falls silent: two on one
 * link, which this way of peering is not made for, do not make a session go to and fro.
 */
export interface RouterTable {
  /** A router has advertised itself. Answers whether it is new. */
  heard(address: string, nowMs: number): boolean;
  /** It does not take connections: any other one is preferred from now on. */
  failed(address: string): void;
  /** Forgets who has been silent for long. Answers whether routers should be asked to speak up. */
  isQuiet(nowMs: number): boolean;
  /** Canonical, link-local; null: none is heard. */
  chosen(): string | null;
}

/** Ours: more on one link are not kept, and those that do not answer make room first. */
const MAX_ROUTERS = 8;
/** Ours: routers speak every 10 s on links for this use; others may be silent for half an hour, but answer when asked. */
const QUIET_MS = 30_000;
const SILENT_MS = 90_000;

/** An empty one. */
export function createRouterTable(): RouterTable {
  /** Address → when it was last heard; preferred ones first. */
  const routers = new Map<string, number>();
  const chosen = (): string | null => routers.keys().next().value ?? null;
  return {
    chosen,
    heard: (address, nowMs) => {
      const isNew = !routers.has(address);
      if (isNew && routers.size === MAX_ROUTERS) routers.delete([...routers.keys()].at(-1) ?? '');
      routers.set(address, nowMs);
      return isNew;
    },
    failed: (address) => {
      const heardMs = routers.get(address);
      if (heardMs === undefined) return;
      routers.delete(address);
      routers.set(address, heardMs);
    },
    isQuiet: (nowMs) => {
      for (const [address, heardMs] of routers) if (nowMs - heardMs >= SILENT_MS) routers.delete(address);
      const heardMs = routers.get(chosen() ?? '');
      return heardMs === undefined || nowMs - heardMs >= QUIET_MS;
    },
  };
}
