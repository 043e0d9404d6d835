import { normalizeHostName } from '../../../core/net/hostPattern.ts';
import { forbiddenAddress, readAddress } from './forbiddenAddress.ts';

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
  const address = readAddress(externalName);
  if (address !== null) {
    const refused = !allowLocal && forbiddenAddress(address) !== null;
    return refused ? { type: 'refused', rule } : { type: 'host', host: address.toString() };
  }
  const host = normalizeHostName(externalName);
  if (host === null) return { type: 'refused', rule: 'must be a DNS name' };
  const local = !allowLocal && (REFUSED_NAMES.has(host) || host.endsWith('.localhost'));
  return local ? { type: 'refused', rule } : { type: 'host', host };
}
