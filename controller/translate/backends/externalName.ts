import ipaddr from 'ipaddr.js';
import { normalizeHostName } from '../../../core/net/hostPattern.ts';

/** Address ranges that lead to the proxy's own machine or to the platform's metadata service. */
const REFUSED_RANGES: ReadonlySet<string> = new Set(['loopback', 'linkLocal', 'unspecified', 'broadcast', 'multicast']);
/** Metadata services outside link-local (AWS over IPv6, Alibaba Cloud). */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(['fd00:ec2::254', '100.100.100.200']);
const REFUSED_NAMES: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  'ip6-localhost',
  'ip6-loopback',
  'metadata',
  'metadata.google.internal',
]);

/**
 * The host an ExternalName Service may lead to, or the rule it breaks. A Service must not turn the proxy into a way to its
 * own machine (CVE-2021-25740 and the like), unless `allowLocal`. What a name resolves to is for the proxy to judge.
 */
export function judgeExternalName(
  externalName: string,
  allowLocal: boolean,
): { readonly type: 'host'; readonly host: string } | { readonly type: 'refused'; readonly rule: string } {
  const rule = 'must not lead to the local machine, a link-local address or a metadata service';
  const address = addressOf(externalName);
  if (address !== null) {
    const refused = !allowLocal && (REFUSED_RANGES.has(address.range()) || METADATA_ADDRESSES.has(address.toString()));
    return refused ? { type: 'refused', rule } : { type: 'host', host: address.toString() };
  }
  const host = normalizeHostName(externalName);
  if (host === null) return { type: 'refused', rule: 'must be a DNS name' };
  const local = !allowLocal && (REFUSED_NAMES.has(host) || host.endsWith('.localhost'));
  return local ? { type: 'refused', rule } : { type: 'host', host };
}

/** An address in any spelling the resolver would take for one: `127.1`, `0x7f000001` and `::ffff:127.0.0.1` included. */
function addressOf(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : null;
}
