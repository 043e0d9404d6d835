import type { RouteFilter } from '../../../core/ir/virtualHost.ts';
import { hostOf } from '../authority.ts';
import type { Filter } from './filter.ts';

/**
 * Sends a request that came over plain HTTP to the same URL on HTTPS, port 443. What counts is the scheme the client used,
 * so a request that a trusted TLS-ending proxy forwarded passes.
 */
export function httpsRedirect(filter: Extract<RouteFilter, { type: 'httpsRedirect' }>): Filter {
  return ({ request, client }) => {
    if (client.scheme === 'https') return null;
    const target = request.target === '*' ? '/' : request.target;
    const location = `https://${hostOf(client.host)}${target}`;
    return { status: filter.status, fields: [['Location', location]], reason: 'httpsRedirect' };
  };
}
