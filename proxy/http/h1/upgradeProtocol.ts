import { isToken } from '../octets.ts';
import { listMembers } from './listMembers.ts';

/**
 * The first protocol of an Upgrade field that may be passed on, lower case: `name` or `name/version` (RFC 9110
 * section 7.8). Null when there is none. h2c never is one: RFC 9113 section 3.1 has withdrawn it, and a backend that
 * still speaks it would be asked behind the proxy's back.
 */
export function upgradeProtocol(value: string): string | null {
  for (const member of listMembers(value.toLowerCase())) {
    const slash = member.indexOf('/');
    const name = slash === -1 ? member : member.slice(0, slash);
    const isProtocol = isToken(name) && (slash === -1 || isToken(member.slice(slash + 1)));
    if (isProtocol && name !== 'h2c') return member;
  }
  return null;
}
