import type { RouteFilter } from '../../../core/ir/virtualHost.ts';
import type { RequestHead } from '../exchange.ts';
import type { ClientIdentity } from '../forwardedFields.ts';
import { httpsRedirect } from './httpsRedirect.ts';

/** An answer of the proxy's own that ends the way of a request. */
export interface FilterAnswer {
  readonly status: number;
  /** name, value pairs. */
  readonly fields: readonly [string, string][];
  /** For `explain` and metrics. */
  readonly reason: string;
}

/** What a filter may look at. */
export interface FilterInput {
  readonly request: RequestHead;
  /** Path the route was found by: normalised, or `*`. */
  readonly path: string;
  readonly client: ClientIdentity;
}

/** One compiled step between route match and forwarding. Null: go on. */
export type Filter = (input: FilterInput) => FilterAnswer | null;

/** The implementation of each variant of RouteFilter. */
export function compileFilter(filter: RouteFilter): Filter {
  switch (filter.type) {
    case 'httpsRedirect':
      return httpsRedirect(filter);
  }
}
