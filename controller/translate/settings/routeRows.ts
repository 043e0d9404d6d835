import type { BalancePolicy } from '../../../core/ir/cluster.ts';
import { parseBalance } from '../values/balance.ts';
import { parseBoolean } from '../values/boolean.ts';
import { parseByteSize } from '../values/byteSize.ts';
import { oneOfNumbers } from '../values/choice.ts';
import { parseDuration, parseDurationOrZero } from '../values/duration.ts';
import { integerBetween } from '../values/integer.ts';
import { parseNextUpstream, type RetryConditions } from '../values/nextUpstream.ts';
import { parsePathList } from '../values/pathList.ts';
import { setting } from './row.ts';

const MAX_TRIES = 100;
const ERROR_AND_TIMEOUT: RetryConditions = {
  error: true,
  timeout: true,
  invalidHeader: false,
  statuses: [],
  nonIdempotent: false,
};

/** Defaults of what annotations set per Ingress. */
export const ROUTE_SETTINGS = {
  balance: setting<BalancePolicy>({
    key: 'load-balance',
    parse: parseBalance,
    default: { type: 'roundRobin' },
    source: 'ingress-nginx',
    documentation: '`round_robin`, `least_conn` or `ewma`.',
  }),
  sslRedirect: setting<boolean>({
    key: 'ssl-redirect',
    parse: parseBoolean,
    default: false,
    source: 'ours',
    documentation:
      'Plain HTTP is redirected to HTTPS on hosts with a `tls` section. ingress-nginx: on; off here, because the Ingress conformance suite expects 200 over plain HTTP.',
  }),
  forceSslRedirect: setting<boolean>({
    key: 'force-ssl-redirect',
    parse: parseBoolean,
    default: false,
    source: 'ingress-nginx',
    documentation: 'The same on every host.',
  }),
  redirectCode: setting<301 | 302 | 303 | 307 | 308>({
    key: 'http-redirect-code',
    parse: oneOfNumbers([301, 302, 303, 307, 308]),
    default: 308,
    source: 'ingress-nginx',
    documentation: 'Status of these redirects.',
  }),
  noRedirectPaths: setting<readonly string[]>({
    key: 'no-tls-redirect-locations',
    parse: parsePathList,
    default: ['/.well-known/acme-challenge'],
    source: 'ingress-nginx',
    documentation: 'Paths between commas below which nothing is redirected.',
  }),
  bodySize: setting<number>({
    key: 'proxy-body-size',
    parse: parseByteSize,
    default: 0,
    source: 'ours',
    documentation: 'Largest request body; 0: unlimited. ingress-nginx: 1m; bodies are streamed here, never held.',
  }),
  connectTimeout: setting<number>({
    key: 'proxy-connect-timeout',
    parse: parseDuration,
    default: 5000,
    source: 'ingress-nginx',
    documentation: 'Time for a connection to a backend.',
  }),
  readTimeout: setting<number>({
    key: 'proxy-read-timeout',
    parse: parseDuration,
    default: 60_000,
    source: 'ingress-nginx',
    documentation: 'Between two reads from a backend.',
  }),
  sendTimeout: setting<number>({
    key: 'proxy-send-timeout',
    parse: parseDuration,
    default: 60_000,
    source: 'ingress-nginx',
    documentation: 'Between two writes to a backend.',
  }),
  nextUpstream: setting<RetryConditions>({
    key: 'proxy-next-upstream',
    parse: parseNextUpstream,
    default: ERROR_AND_TIMEOUT,
    source: 'ingress-nginx',
    documentation: 'When another endpoint is tried.',
  }),
  nextUpstreamTimeout: setting<number>({
    key: 'proxy-next-upstream-timeout',
    parse: parseDurationOrZero,
    default: 0,
    source: 'ingress-nginx',
    documentation: 'Time for all tries together; 0: no limit.',
  }),
  nextUpstreamTries: setting<number>({
    key: 'proxy-next-upstream-tries',
    parse: integerBetween(0, MAX_TRIES),
    default: 3,
    source: 'ingress-nginx',
    documentation: 'Tries, the first one included; 0: as many as there are endpoints.',
  }),
  retryNonIdempotent: setting<boolean>({
    key: 'retry-non-idempotent',
    parse: parseBoolean,
    default: false,
    source: 'ingress-nginx',
    documentation: 'Retry requests also when their method is not idempotent.',
  }),
} as const;
