import type { Fields } from '../fields.ts';
import { endOfMember, trimSpace } from './listMembers.ts';

/** Fields that end at this hop, or that a head says in another form (`bodyLength`, `upgrade`, `expectsContinue`). */
const REMOVED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  // Becomes HTTP_PROXY in CGI-like backends (httpoxy).
  'proxy',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Options that name no field, and the one field nobody may take out: without Host a backend chooses another site. */
const NOT_REMOVABLE: ReadonlySet<string> = new Set(['', 'close', 'host', 'keep-alive', 'upgrade', 'te', 'http2-settings']);

const LONGEST_FIELD_NAME = 256;

/**
 * Takes out of `fields`, in place, Connection, every field it names, and the rest of what must not cross a proxy (RFC
 * 9110 section 7.6.1). Comes before any decision about the request and before the proxy adds its own fields: so all
 * filters see what is sent on, and a client cannot name the proxy's fields away. Returns the same object.
 */
export function stripHopByHop(fields: Fields): Fields {
  const named = namedFields(fields);
  if (named === null) fields.retain(isEndToEnd);
  else fields.retain((lowerName) => isEndToEnd(lowerName) && !named.has(lowerName));
  return fields;
}

function isEndToEnd(lowerName: string): boolean {
  return !REMOVED.has(lowerName);
}

/** Lower-case names of the fields that Connection makes hop-by-hop; null when there is none, which is the rule. */
function namedFields(fields: Fields): Set<string> | null {
  const first = fields.get('connection');
  if (first === undefined || first === 'keep-alive' || first === 'close') {
    if (first === undefined || fields.getAll('connection').length === 1) return null;
  }
  const named = new Set<string>();
  for (const value of fields.getAll('connection')) addMembers(value, named);
  return named.size === 0 ? null : named;
}

function addMembers(value: string, named: Set<string>): void {
  for (let start = 0; start <= value.length; ) {
    const end = endOfMember(value, start);
    const member = trimSpace(value, start, end);
    const lowerName = member.length > LONGEST_FIELD_NAME ? '' : member.toLowerCase();
    if (!NOT_REMOVABLE.has(lowerName)) named.add(lowerName);
    start = end + 1;
  }
}
