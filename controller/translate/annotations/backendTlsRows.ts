import { parseCipherList } from '../values/cipherList.ts';
import { oneOf } from '../values/choice.ts';
import { parseDnsName } from '../values/dnsName.ts';
import { integerBetween } from '../values/integer.ts';
import { parseSecretName, type SecretName } from '../values/secretName.ts';
import { parseTlsVersions, type TlsVersions } from '../values/tlsVersions.ts';
import { annotation } from './row.ts';

const MAX_DEPTH = 100;

/** Words of `backend-protocol`. */
export type BackendProtocol = 'HTTP' | 'HTTPS' | 'GRPC' | 'GRPCS' | 'AUTO_HTTP';

/** How requests are carried to backends. */
export const TRANSPORT = {
  protocol: annotation<BackendProtocol>({
    name: 'backend-protocol',
    parse: oneOf(['HTTP', 'HTTPS', 'GRPC', 'GRPCS', 'AUTO_HTTP']),
    default: 'HTTP',
    denyWhenInvalid: 'ingress',
    risk: 'medium',
    scope: 'cluster',
    documentation:
      '`HTTP` and `HTTPS`: HTTP/1.1. `GRPC` and `GRPCS`: HTTP/2, without TLS by prior knowledge. `AUTO_HTTP`: TLS for requests that came over TLS. `FCGI` is not supported. A canary without the annotation is reached as its main is. In ingress-nginx a wrong value means HTTP.',
  }),
} as const;

/** TLS towards backends; each takes effect only where `backend-protocol` asks for TLS. */
export const BACKEND_TLS = {
  secret: annotation<SecretName | null>({
    name: 'proxy-ssl-secret',
    parse: parseSecretName,
    default: null,
    denyWhenInvalid: 'ingress',
    risk: 'medium',
    scope: 'cluster',
    documentation:
      'Secret of the same namespace with authorities for backend certificates (`ca.crt`), a certificate to show to backends (`tls.crt` and `tls.key`), or both. While it is missing or broken, the paths answer 503 as well.',
  }),
  verify: annotation<'on' | 'off'>({
    name: 'proxy-ssl-verify',
    parse: oneOf(['on', 'off']),
    default: 'off',
    denyWhenInvalid: 'ingress',
    risk: 'medium',
    scope: 'cluster',
    documentation:
      "`on`: backend certificates must lead to an authority of `proxy-ssl-secret` and carry the name of `proxy-ssl-name`. Without such a Secret the paths answer 503; ingress-nginx then does not verify. `off`: the connection is encrypted, but whoever answers is taken for the backend.",
  }),
  verifyDepth: annotation<number>({
    name: 'proxy-ssl-verify-depth',
    parse: integerBetween(0, MAX_DEPTH),
    default: 1,
    risk: 'low',
    scope: 'cluster',
    documentation: 'Most intermediate certificates between that of the backend and the authority; 0: none (in ingress-nginx: 1).',
  }),
  name: annotation<string | null>({
    name: 'proxy-ssl-name',
    parse: parseDnsName,
    default: null,
    risk: 'medium',
    scope: 'cluster',
    documentation:
      'Name that backend certificates must carry, and that is sent as SNI. Without it `service.namespace.svc`, or the external name of an ExternalName Service; ingress-nginx takes `upstream_balancer`, which is on no certificate.',
  }),
  serverName: annotation<'on' | 'off'>({
    name: 'proxy-ssl-server-name',
    parse: oneOf(['on', 'off']),
    default: 'off',
    risk: 'low',
    scope: 'cluster',
    documentation: 'Whether that name is sent as SNI.',
  }),
  protocols: annotation<TlsVersions>({
    name: 'proxy-ssl-protocols',
    parse: parseTlsVersions,
    default: { min: 'TLSv1.2', max: 'TLSv1.3' },
    defaultText: 'TLSv1.2 TLSv1.3',
    risk: 'medium',
    scope: 'cluster',
    documentation:
      'TLS versions between spaces, of which the lowest and the highest count; `SSLv2` and `SSLv3` are passed over. ingress-nginx has 1.2 alone by default.',
  }),
  ciphers: annotation<string | null>({
    name: 'proxy-ssl-ciphers',
    parse: parseCipherList,
    default: null,
    risk: 'medium',
    scope: 'cluster',
    documentation: 'OpenSSL cipher list for TLS 1.2 and below; TLS 1.3 keeps its own.',
  }),
} as const;
