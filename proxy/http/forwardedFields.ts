import { isIP } from 'node:net';
import type { ClientAuth } from '../../core/ir/clientAuth.ts';
import type { ForwardedHeaders } from '../../core/ir/settings.ts';
import { createAddressSet, type AddressSet } from '../accept/addressSet.ts';
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
  'ssl-client-verify',
  'ssl-client-subject-dn',
  'ssl-client-issuer-dn',
  'ssl-client-cert',
]);

/** X-Forwarded-For entries looked at from the right; a longer chain ends there. */
const MAX_HOPS = 32;

/** What the proxy adds to a request. */
export interface OwnFields {
  readonly identity: ClientIdentity;
  readonly requestId: string;
  /** Instead of the client's Host; null: the client's. */
  readonly host: string | null;
  /** What the host asks of clients' certificates; null: nothing, and nothing is said of one. */
  readonly clientAuth: ClientAuth | null;
}

interface SharedFields {
  readonly identity: ClientIdentity;
  readonly clientAuth: ClientAuth | null;
  readonly fields: Fields;
}

/** Answers who the client is and builds the fields a backend gets. Rebuilt when settings change. */
export class ForwardedFields {
  readonly #trusts: AddressSet;
  readonly #trustsNobody: boolean;
  readonly #append: boolean;
  /** Connection → the fields its last request got. */
  readonly #byConnection = new WeakMap<ClientConnection, SharedFields>();

  constructor(settings: ForwardedHeaders) {
    this.#trusts = createAddressSet(settings.trustedCidrs);
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
  upstreamHead(head: RequestHead, client: ClientConnection, own: OwnFields): UpstreamHead {
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
    return { ...head, authority, fields, sharedFields: this.#sharedFields(client, own) };
  }

  /** What does not change from request to request of one connection, as long as it names the same host. */
  #sharedFields(client: ClientConnection, { identity, clientAuth }: OwnFields): Fields {
    const known = this.#byConnection.get(client);
    if (known !== undefined && known.clientAuth === clientAuth && isSameIdentity(known.identity, identity)) return known.fields;
    const fields = new Fields();
    fields.append('X-Real-IP', 'x-real-ip', identity.address);
    fields.append('X-Forwarded-Host', 'x-forwarded-host', identity.host);
    fields.append('X-Forwarded-Port', 'x-forwarded-port', identity.port);
    fields.append('X-Forwarded-Proto', 'x-forwarded-proto', identity.scheme);
    fields.append('X-Forwarded-Scheme', 'x-forwarded-scheme', identity.scheme);
    fields.append('X-Scheme', 'x-scheme', identity.scheme);
    if (clientAuth !== null) addClientCertificate(fields, client, clientAuth);
    this.#byConnection.set(client, { identity, clientAuth, fields });
    return fields;
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

/** What ingress-nginx says of a client's certificate; nothing where there is nothing to say. */
function addClientCertificate(fields: Fields, { tls }: ClientConnection, { identity, passCertificate }: ClientAuth): void {
  // Over plain HTTP, where a certificate is optional, the backend is told that there is none.
  if (tls === null) return fields.append('ssl-client-verify', 'ssl-client-verify', 'NONE');
  const shown = tls.clientAuth;
  if (shown === null || shown.identity !== identity) return;
  fields.append('ssl-client-verify', 'ssl-client-verify', shown.verify);
  if (shown.certificate === null) return;
  const { subjectDn, issuerDn, pem } = shown.certificate;
  if (subjectDn !== '') fields.append('ssl-client-subject-dn', 'ssl-client-subject-dn', subjectDn);
  if (issuerDn !== '') fields.append('ssl-client-issuer-dn', 'ssl-client-issuer-dn', issuerDn);
  if (passCertificate) fields.append('ssl-client-cert', 'ssl-client-cert', encodeURIComponent(pem));
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
