import type { BalancePolicy } from '../../../core/ir/cluster.ts';
import { printValue, type Problem } from '../../../core/ir/problem.ts';
import type { Settings } from '../../../core/ir/settings.ts';
import type { RouteFilter, RoutePolicy } from '../../../core/ir/virtualHost.ts';
import type { ConfigMap } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { CLIENT_SETTINGS as CLIENT } from '../settings/clientRows.ts';
import { FIXED_LIMITS } from '../settings/limits.ts';
import { PROTOCOL_SETTINGS as PROTOCOL } from '../settings/protocolRows.ts';
import { readConfigMap, type SettingValues } from '../settings/readConfigMap.ts';
import { ROUTE_SETTINGS as ROUTE } from '../settings/routeRows.ts';
import type { TranslateOptions } from '../translation.ts';
import { readTrust } from './readTrust.ts';

/** What holds for an Ingress whose annotations say nothing. The same object as long as the ConfigMap is the same. */
export interface IngressDefaults {
  readonly policy: RoutePolicy;
  readonly balance: BalancePolicy;
  /** Redirect to HTTPS where TLS is configured, or everywhere. */
  readonly redirect: { readonly withTls: boolean; readonly always: boolean };
  /** Every Ingress retries requests that are not idempotent, whatever its own conditions. */
  readonly retryNonIdempotent: boolean;
  /** The filter that redirects, where one is wanted. */
  readonly redirectFilter: RouteFilter & { readonly type: 'httpsRedirect' };
  /** Why no Ingress may be served; null: nothing of the kind. */
  readonly denial: string | null;
}

interface ReadSettings {
  readonly settings: Settings;
  readonly defaults: IngressDefaults;
  readonly problems: readonly Problem[];
}

/** What a ConfigMap alone decides; remembered with it. */
interface Compiled {
  readonly values: SettingValues;
  readonly settings: Omit<Settings, 'forwardedHeaders' | 'proxyProtocol'>;
  readonly defaults: IngressDefaults;
  readonly problems: readonly Problem[];
}

/** Settings of the proxy and defaults of Ingresses, from the ConfigMap that the options name and the built-in defaults. */
export function readSettings(objects: ObjectIndex, options: TranslateOptions): ReadSettings {
  const configMap = options.configMap === null ? null : findConfigMap(objects, options.configMap);
  const base = configMap === null ? BUILT_IN : compileOnce(configMap);
  const missing = options.configMap !== null && configMap === null ? [missingConfigMap(options.configMap)] : [];
  const { forwardedHeaders, proxyProtocol, problems } = readTrust(base.values, configMap, options.trustedProxies);
  return {
    settings: { ...base.settings, forwardedHeaders, proxyProtocol },
    defaults: base.defaults,
    problems: [...base.problems, ...problems, ...missing],
  };
}

const BUILT_IN = compile(null);
const compiled = new WeakMap<ConfigMap, Compiled>();

function compileOnce(configMap: ConfigMap): Compiled {
  const known = compiled.get(configMap) ?? compile(configMap);
  compiled.set(configMap, known);
  return known;
}

function compile(configMap: ConfigMap | null): Compiled {
  const { values, denial, problems } = readConfigMap(configMap);
  return {
    values,
    settings: {
      limits: {
        ...FIXED_LIMITS,
        headerTimeoutMs: values.get(CLIENT.headerTimeout),
        bodyTimeoutMs: values.get(CLIENT.bodyTimeout),
        keepAliveTimeoutMs: values.get(CLIENT.keepAlive),
        // nginx: keepalive_timeout 0 turns kept connections off.
        keepAliveRequests: values.get(CLIENT.keepAlive) === 0 ? 1 : values.get(CLIENT.keepAliveRequests),
      },
      upstreamKeepAlive: {
        connections: values.get(CLIENT.upstreamConnections),
        idleTimeoutMs: values.get(CLIENT.upstreamTimeout),
        requests: values.get(CLIENT.upstreamRequests),
        maxAgeMs: values.get(CLIENT.upstreamTime),
      },
      accessLog: !values.get(CLIENT.disableAccessLog),
      http2: {
        enabled: values.get(PROTOCOL.http2),
        cleartext: values.get(PROTOCOL.http2Cleartext),
        maxConcurrentStreams: values.get(PROTOCOL.http2Streams),
        maxRequests: values.get(PROTOCOL.http2Requests) === 0 ? null : values.get(PROTOCOL.http2Requests),
      },
      sessionTickets: values.get(PROTOCOL.sessionTickets),
    },
    defaults: { ...defaultsOf(values), denial },
    problems,
  };
}

function defaultsOf(values: SettingValues): Omit<IngressDefaults, 'denial'> {
  const totalMs = values.get(ROUTE.nextUpstreamTimeout);
  const bodyBytes = values.get(ROUTE.bodySize);
  const on = values.get(ROUTE.nextUpstream);
  return {
    policy: {
      connectTimeoutMs: values.get(ROUTE.connectTimeout),
      readTimeoutMs: values.get(ROUTE.readTimeout),
      sendTimeoutMs: values.get(ROUTE.sendTimeout),
      retry: {
        tries: values.get(ROUTE.nextUpstreamTries),
        totalMs: totalMs === 0 ? null : totalMs,
        on: { ...on, nonIdempotent: on.nonIdempotent || values.get(ROUTE.retryNonIdempotent) },
      },
      maxBodyBytes: bodyBytes === 0 ? null : bodyBytes,
      upstreamHost: null,
      accessLog: true,
    },
    balance: values.get(ROUTE.balance),
    redirect: { withTls: values.get(ROUTE.sslRedirect), always: values.get(ROUTE.forceSslRedirect) },
    retryNonIdempotent: values.get(ROUTE.retryNonIdempotent),
    redirectFilter: {
      type: 'httpsRedirect',
      status: values.get(ROUTE.redirectCode),
      exemptPrefixes: values.get(ROUTE.noRedirectPaths),
    },
  };
}

function findConfigMap(objects: ObjectIndex, key: string): ConfigMap | null {
  const { namespace, name } = splitKey(key);
  return objects.get('ConfigMap', namespace, name) ?? null;
}

function missingConfigMap(key: string): Problem {
  return {
    severity: 'warning',
    object: { kind: 'ConfigMap', ...splitKey(key) },
    position: null,
    field: '',
    rule: 'is named by --configmap and must exist',
    value: printValue(key),
    effect: 'the built-in defaults are used',
  };
}

function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, Math.max(slash, 0)), name: key.slice(slash + 1) };
}
