import type { AddressFamily, PathAttributes } from '../codec/message.ts';

/** One path as one peer is to see it. */
export interface OutRoute {
  readonly family: AddressFamily;
  /** Canonical network. */
  readonly prefix: string;
  /** 0: where no Path Identifiers are sent, and otherwise never 0. */
  readonly pathId: number;
  readonly attributes: PathAttributes;
}

/** `prefix pathId`. */
export type OutRouteKey = string;

/** What one peer is to have: complete. */
export type OutRoutes = ReadonlyMap<OutRouteKey, OutRoute>;
