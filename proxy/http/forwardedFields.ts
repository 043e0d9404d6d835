import { BlockList, isIP } from 'node:net';
import type { ForwardedHeaders } from '../../core/ir/settings.ts';
import { isAuthority } from './authority.ts';
import type { ClientConnection, RequestHead } from './exchange.ts';
import { Fields } from './fields.ts';
import type { UpstreamHead } from './upstream.ts';

/** What the proxy believes about the client once trusted proxies in front of it have had their say. */
export interface ClientIdentity {
  /** IP address literal. */
  readonly address: string;
  readonly scheme: 'http' | 'https';
  /** Host (with port, if any) the client asked for. */
  readonly host: string;
  /** Port the client connected to, as text. */
  readonly port: string;
  /** The peer itself is a trusted proxy. */
  readonly trustedPeer: boolean;
}

/** Fields that only this proxy may say; a client's own copies never reach a backend. All lower case. */
const OWNED = new Set([
  'host',
  'x-request-id',
  'x-real-ip',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-scheme',
  'x-original-forwarded-for',
  'forwarded',
]);

/** X-Forwarded-For entries looked at from the right; a longer chain ends there. */
const MAX_HOPS = 32;

/** Answers who the client is and builds the fields a backend gets. Rebuilt when settings change. */
export class ForwardedFields {
  readonly #trusted = new BlockList();
  readonly #trustsNobody: boolean;
  readonly #append: boolean;
  /** Connection → the fields its last request got. */
  readonly #byConnection = new WeakMap<ClientConnection, { readonly identity: ClientIdentity; readonly fields: Fields }>();

  constructor(settings: ForwardedHeaders) {
    for (const cidr of settings.trustedCidrs) {
      const [address, prefix] = cidr.split('/') as [string, string | undefined];
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      this.#trusted.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
    }
    this.#trustsNobody = settings.trustedCidrs.length === 0;
    this.#append = settings.appendForwardedFor;
  }

  /** Who the client is: the peer, or what trusted peers say of it. */
  identify(head: RequestHead, client: ClientConnection): ClientIdentity {
    if (this.#trustsNobody || !this.#trusts(client.remoteAddress)) {
      return {
        address: client.remoteAddress,
        scheme: head.scheme,
        host: head.authority,
        port: portOf(head.scheme, client),
        trustedPeer: false,
      };
    }
    const { fields } = head;
    const proto = firstOf(fields.get('x-forwarded-proto'))?.toLowerCase();
    const scheme = proto === 'http' || proto === 'https' ? proto : head.scheme;
    const port = firstOf(fields.get('x-forwarded-port'));
    const host = firstOf(fields.get('x-forwarded-host'));
    return {
      address: this.#clientOf(fields.getAll('x-forwarded-for').join(',')) ?? client.remoteAddress,
      scheme,
      // It becomes part of a Location.
      host: host !== undefined && isAuthority(host) ? host : head.authority,
      port: port !== undefined && /^\d{1,5}$/.test(port) ? port : portOf(scheme, client),
      trustedPeer: true,
    };
  }

  /** The head a backend gets: the client's fields without what only the proxy may say, then the proxy's own. */
  upstreamHead(head: RequestHead, client: ClientConnection, own: { identity: ClientIdentity; requestId: string; host: string | null }): UpstreamHead {
    const { identity } = own;
    const fields = new Fields();
    const authority = own.host ?? head.authority;
    let received: string | undefined;
    head.fields.forEach((name, lowerName, value) => {
      // X-Forwarded-Prefix, -User and their like are a proxy's word too: from a stranger they are forged.
      const isForeign = OWNED.has(lowerName) || (!identity.trustedPeer && lowerName.startsWith('x-forwarded-'));
      if (!isForeign) fields.append(name, lowerName, value);
      else if (lowerName === 'x-forwarded-for') received = received === undefined ? value : `${received}, ${value}`;
    });
    fields.append('X-Request-ID', 'x-request-id', own.requestId);
    const chain = this.#append && identity.trustedPeer && received !== undefined ? `${received}, ${client.remoteAddress}` : identity.address;
    fields.append('X-Forwarded-For', 'x-forwarded-for', chain);
    if (received !== undefined) fields.append('X-Original-Forwarded-For', 'x-original-forwarded-for', received);
    return { ...head, authority, fields, sharedFields: this.#identityFields(identity, client) };
  }

  /** What does not change from request to request of one connection, as long as it names the same host. */
  #identityFields(identity: ClientIdentity, client: ClientConnection): Fields {
    const known = this.#byConnection.get(client);
    if (known !== undefined && isSameIdentity(known.identity, identity)) return known.fields;
    const fields = new Fields();
    fields.append('X-Real-IP', 'x-real-ip', identity.address);
    fields.append('X-Forwarded-Host', 'x-forwarded-host', identity.host);
    fields.append('X-Forwarded-Port', 'x-forwarded-port', identity.port);
    fields.append('X-Forwarded-Proto', 'x-forwarded-proto', identity.scheme);
    fields.append('X-Forwarded-Scheme', 'x-forwarded-scheme', identity.scheme);
    fields.append('X-Scheme', 'x-scheme', identity.scheme);
    this.#byConnection.set(client, { identity, fields });
    return fields;
  }

  #trusts(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#trusted.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }

  /** The rightmost address that no trusted proxy vouches for; null when the chain is empty or not made of addresses. */
  #clientOf(chain: string): string | null {
    const hops = chain.split(',').slice(-MAX_HOPS);
    let client: string | null = null;
    for (const hop of hops.reverse()) {
      const address = hop.trim();
      if (isIP(address) === 0) return client;
      client = address;
      if (!this.#trusts(address)) return client;
    }
    return client;
  }
}

function isSameIdentity(one: ClientIdentity, other: ClientIdentity): boolean {
  return one.address === other.address && one.host === other.host && one.port === other.port && one.scheme === other.scheme;
}

/** First element of a comma list, trimmed; undefined when there is none. Only short, visible text is taken. */
function firstOf(value: string | undefined): string | undefined {
  const first = value?.split(',', 1)[0]?.trim();
  return first === undefined || first === '' || first.length > 300 ? undefined : first;
}

/** As ingress-nginx: 443 for HTTPS whatever the listener's port is, which stands behind a port mapping more often than not. */
function portOf(scheme: 'http' | 'https', client: ClientConnection): string {
  return scheme === 'https' ? '443' : String(client.localPort);
}
