import { parseBoolean } from '../values/boolean.ts';
import { parseByteSize } from '../values/byteSize.ts';
import { parseDuration, parseDurationOrZero } from '../values/duration.ts';
import { parseHostHeader } from '../values/hostHeader.ts';
import { integerBetween } from '../values/integer.ts';
import { parseNextUpstream, type RetryConditions } from '../values/nextUpstream.ts';
import { annotation } from './row.ts';

const MAX_TRIES = 100;

/** HTTPS redirects. */
export const REDIRECT = {
  withTls: annotation<boolean | null>({
    name: 'ssl-redirect',
    parse: parseBoolean,
    default: null,
    configMapKey: 'ssl-redirect',
    risk: 'medium',
    scope: 'route',
    documentation:
      'Plain HTTP requests are sent to HTTPS when a `tls` section covers the host. **Off by default**, unlike ingress-nginx: the Ingress conformance suite expects a TLS host to answer 200 over plain HTTP. The ConfigMap key turns it on for all.',
  }),
  always: annotation<boolean | null>({
    name: 'force-ssl-redirect',
    parse: parseBoolean,
    default: null,
    configMapKey: 'force-ssl-redirect',
    risk: 'medium',
    scope: 'route',
    documentation: 'The same redirect even without a `tls` section (when TLS ends in front of Gatehouse).',
  }),
} as const;

/** Timeouts, retries and limits of a route. */
export const PROXY = {
  connectTimeout: annotation<number | null>({
    name: 'proxy-connect-timeout',
    parse: parseDuration,
    default: null,
    configMapKey: 'proxy-connect-timeout',
    risk: 'low',
    scope: 'route',
    documentation: 'Time for a connection to the backend: seconds, or a number with nginx units.',
  }),
  readTimeout: annotation<number | null>({
    name: 'proxy-read-timeout',
    parse: parseDuration,
    default: null,
    configMapKey: 'proxy-read-timeout',
    risk: 'low',
    scope: 'route',
    documentation: 'Time between two reads from the backend; also the idle limit of WebSockets. At most 24 days.',
  }),
  sendTimeout: annotation<number | null>({
    name: 'proxy-send-timeout',
    parse: parseDuration,
    default: null,
    configMapKey: 'proxy-send-timeout',
    risk: 'low',
    scope: 'route',
    documentation: 'Time between two writes to the backend.',
  }),
  nextUpstream: annotation<RetryConditions | null>({
    name: 'proxy-next-upstream',
    parse: parseNextUpstream,
    default: null,
    configMapKey: 'proxy-next-upstream',
    risk: 'medium',
    scope: 'route',
    documentation:
      'When another endpoint is tried: `error`, `timeout`, `invalid_header`, `http_403` … `http_504`, `non_idempotent`, or `off`.',
  }),
  nextUpstreamTimeout: annotation<number | null>({
    name: 'proxy-next-upstream-timeout',
    parse: parseDurationOrZero,
    default: null,
    configMapKey: 'proxy-next-upstream-timeout',
    risk: 'low',
    scope: 'route',
    documentation: 'Time for all tries together; 0: no limit.',
  }),
  nextUpstreamTries: annotation<number | null>({
    name: 'proxy-next-upstream-tries',
    parse: integerBetween(0, MAX_TRIES),
    default: null,
    configMapKey: 'proxy-next-upstream-tries',
    risk: 'low',
    scope: 'route',
    documentation: 'Tries, the first one included; 0: as many as there are endpoints.',
  }),
  bodySize: annotation<number | null>({
    name: 'proxy-body-size',
    parse: parseByteSize,
    default: null,
    configMapKey: 'proxy-body-size',
    risk: 'low',
    scope: 'route',
    documentation: 'Largest request body (octets, or with k, m, g); larger ones are answered 413. 0: unlimited.',
  }),
  upstreamHost: annotation<string | null>({
    name: 'upstream-vhost',
    parse: parseHostHeader,
    default: null,
    risk: 'medium',
    scope: 'route',
    documentation: "Host header sent to the backend instead of the client's; literal names only, no nginx variables.",
  }),
  accessLog: annotation<boolean>({
    name: 'enable-access-log',
    parse: parseBoolean,
    default: true,
    risk: 'low',
    scope: 'route',
    documentation: 'Whether requests of this Ingress are logged.',
  }),
} as const;
