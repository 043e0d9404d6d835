import type { RouteFilter } from '../../../core/ir/virtualHost.ts';
import { hostOf } from '../authority.ts';
import type { Filter } from './filter.ts';

/**
 * Sends a request that came over plain HTTP to the same URL on HTTPS, port 443. What counts is the scheme the client used,
 * so a request that a trusted TLS-ending proxy forwarded passes. A request that names no host cannot be sent anywhere (400).
 */
export function httpsRedirect(filter: Extract<RouteFilter, { type: 'httpsRedirect' }>): Filter {
  const exempt = (filter.exemptPrefixes ?? []).map((prefix) => (prefix.endsWith('/') ? prefix.slice(0, -1) : prefix));
  return ({ request, path, client }) => {
    if (client.scheme === 'https' || exempt.some((prefix) => liesBelow(path, prefix))) return null;
    if (client.host === '') return { status: 400, fields: [], reason: 'a redirect needs a host, and the request names none' };
    const target = request.target === '*' ? '/' : request.target;
    const location = `https://${hostOf(client.host)}${target}`;
    return { status: filter.status, fields: [['Location', location]], reason: 'httpsRedirect' };
  };
}

/** By whole path elements; `prefix` carries no trailing slash. */
function liesBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f);
}
