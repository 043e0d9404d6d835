import type { RoutePolicy } from '../../../core/ir/virtualHost.ts';
import { PROXY } from '../annotations/routeRows.ts';
import type { AnnotationValues } from '../annotations/readAnnotations.ts';
import type { IngressDefaults } from './readSettings.ts';

const ROWS = Object.values(PROXY);

/** Limits and retries of the routes of one Ingress; the default object itself when no annotation says otherwise. */
export function planRoutePolicy(
  values: AnnotationValues,
  { policy: defaults, retryNonIdempotent }: Pick<IngressDefaults, 'policy' | 'retryNonIdempotent'>,
): RoutePolicy {
  if (!ROWS.some((row) => values.has(row))) return defaults;
  const on = values.get(PROXY.nextUpstream) ?? defaults.retry.on;
  const totalMs = values.get(PROXY.nextUpstreamTimeout);
  const bodyBytes = values.get(PROXY.bodySize);
  return {
    connectTimeoutMs: values.get(PROXY.connectTimeout) ?? defaults.connectTimeoutMs,
    readTimeoutMs: values.get(PROXY.readTimeout) ?? defaults.readTimeoutMs,
    sendTimeoutMs: values.get(PROXY.sendTimeout) ?? defaults.sendTimeoutMs,
    retry: {
      tries: values.get(PROXY.nextUpstreamTries) ?? defaults.retry.tries,
      totalMs: zeroIsNone(totalMs, defaults.retry.totalMs),
      on: { ...on, nonIdempotent: on.nonIdempotent || retryNonIdempotent },
    },
    maxBodyBytes: zeroIsNone(bodyBytes, defaults.maxBodyBytes),
    upstreamHost: values.get(PROXY.upstreamHost),
    accessLog: values.get(PROXY.accessLog),
  };
}

/** Annotations write "no limit" as 0, the snapshot as null. */
function zeroIsNone(value: number | null, otherwise: number | null): number | null {
  if (value === null) return otherwise;
  return value === 0 ? null : value;
}
