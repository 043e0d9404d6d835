import type { BalancePolicy } from '../../../core/ir/cluster.ts';
import { printValue, type Problem } from '../../../core/ir/problem.ts';
import type { ForwardedHeaders, Settings } from '../../../core/ir/settings.ts';
import type { RouteFilter, RoutePolicy } from '../../../core/ir/virtualHost.ts';
import type { ConfigMap } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { problemOf } from '../problemOf.ts';
import { CLIENT_SETTINGS as CLIENT } from '../settings/clientRows.ts';
import { FIXED_LIMITS } from '../settings/limits.ts';
import { readConfigMap, type SettingValues } from '../settings/readConfigMap.ts';
import { ROUTE_SETTINGS as ROUTE } from '../settings/routeRows.ts';
import type { TranslateOptions } from '../translation.ts';

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

const EVERYBODY = ['0.0.0.0/0', '::/0'];

/** Settings of the proxy and defaults of Ingresses, from the ConfigMap that the options name and the built-in defaults. */
export function readSettings(objects: ObjectIndex, options: TranslateOptions): ReadSettings {
  const configMap = options.configMap === null ? null : findConfigMap(objects, options.configMap);
  const base = configMap === null ? BUILT_IN : compileOnce(configMap);
  const missing = options.configMap !== null && configMap === null ? [missingConfigMap(options.configMap)] : [];
  return {
    settings: withTrustedProxies(base.settings, options.trustedProxies),
    defaults: base.defaults,
    problems: [...base.problems, ...missing],
  };
}

const BUILT_IN = compile(null);
const compiled = new WeakMap<ConfigMap, ReadSettings>();

function compileOnce(configMap: ConfigMap): ReadSettings {
  const known = compiled.get(configMap) ?? compile(configMap);
  compiled.set(configMap, known);
  return known;
}

function compile(configMap: ConfigMap | null): ReadSettings {
  const { values, denial, problems } = readConfigMap(configMap);
  const trust = trustOf(values, configMap);
  return {
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
      forwardedHeaders: trust.forwardedHeaders,
      accessLog: !values.get(CLIENT.disableAccessLog),
    },
    defaults: { ...defaultsOf(values), denial },
    problems: [...problems, ...trust.problems],
  };
}

function trustOf(
  values: SettingValues,
  configMap: ConfigMap | null,
): { readonly forwardedHeaders: ForwardedHeaders; readonly problems: readonly Problem[] } {
  const wanted = values.get(CLIENT.useForwardedHeaders) || values.get(CLIENT.enableRealIp);
  const cidrs = values.get(CLIENT.realIpCidrs);
  const appendForwardedFor = values.get(CLIENT.fullForwardedFor);
  if (!wanted || configMap === null) return { forwardedHeaders: { trustedCidrs: [], appendForwardedFor }, problems: [] };
  if (cidrs !== null) return { forwardedHeaders: { trustedCidrs: cidrs, appendForwardedFor }, problems: [] };
  // A CIDR list that cannot be read must not widen trust to everybody.
  if ((configMap.data.get(CLIENT.realIpCidrs.key) ?? '') !== '') {
    return { forwardedHeaders: { trustedCidrs: [], appendForwardedFor }, problems: [] };
  }
  const key = values.get(CLIENT.useForwardedHeaders) ? CLIENT.useForwardedHeaders.key : CLIENT.enableRealIp.key;
  const open = problemOf(configMap, {
    severity: 'warning',
    field: `data[${key}]`,
    rule: 'should stand together with proxy-real-ip-cidr, which names the proxies to trust',
    value: configMap.data.get(key),
    effect: 'every client may set its own address with X-Forwarded-For, as in ingress-nginx',
  });
  return { forwardedHeaders: { trustedCidrs: EVERYBODY, appendForwardedFor }, problems: [open] };
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

function withTrustedProxies(settings: Settings, trustedProxies: readonly string[]): Settings {
  if (trustedProxies.length === 0) return settings;
  const trustedCidrs = [...new Set([...trustedProxies, ...settings.forwardedHeaders.trustedCidrs])];
  return { ...settings, forwardedHeaders: { ...settings.forwardedHeaders, trustedCidrs } };
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
