import type { Problem } from '../../../core/ir/problem.ts';
import type { Service } from '../../model/service.ts';
import { annotationField, OWN_PREFIX } from '../annotations/readAnnotations.ts';
import { problemOf } from '../problemOf.ts';
import { parseCidrList } from '../values/cidrList.ts';
import { SERVICE_ROWS, TCP_IDLE_MS, UDP_IDLE_MS, type ServiceRow } from './serviceRows.ts';

/** How the ports of one Service are carried: what its spec and annotations say. Times are ms. */
export interface ServiceSettings {
  readonly sourceRanges: readonly string[] | null;
  readonly affinityTimeoutMs: number | null;
  readonly acceptProxyProtocol: { readonly trustedCidrs: readonly string[] } | null;
  readonly sendProxyProtocol: 'v1' | 'v2' | null;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: { readonly tcp: number; readonly udp: number };
  readonly maxConnections: number;
  /** Null: as the features that are asked for allow. */
  readonly forwarding: 'kernel' | 'proxy' | 'none' | null;
  readonly balance: 'random' | 'maglev';
  /** Annotations, without prefix, that ask for what only the proxy can do. */
  readonly proxyFeatures: readonly string[];
}

/** Settings with every fault found on the way. */
export interface ServiceSettingsReading {
  readonly settings: ServiceSettings;
  readonly problems: readonly Problem[];
}

/** The kernel relays packets: it opens no connections of its own and counts none. */
const PROXY_FEATURES: readonly string[] = [
  SERVICE_ROWS.proxyProtocol,
  SERVICE_ROWS.acceptProxyProtocol,
  SERVICE_ROWS.connectTimeout,
  SERVICE_ROWS.idleTimeout,
  SERVICE_ROWS.maxConnections,
].map(({ name }) => name);

/** Longest text of an annotation that is read at all. */
const MAX_VALUE_CHARS = 4096;
const CLOSED = 'nobody gets in until it is right';

/** Reads spec and annotations. What decides who may come in and cannot be read keeps everybody out. */
export function readServiceSettings(service: Service): ServiceSettingsReading {
  const problems: Problem[] = [];
  const sourceRanges = readSourceRanges(service, problems);
  const read = <T>(row: ServiceRow<T>): T => {
    const reading = readServiceRow(service, row);
    problems.push(...reading.problems);
    return reading.value;
  };
  const trustedCidrs = readServiceRow(service, SERVICE_ROWS.acceptProxyProtocol);
  problems.push(...trustedCidrs.problems);
  const idleMs = read(SERVICE_ROWS.idleTimeout);
  const settings: ServiceSettings = {
    sourceRanges: trustedCidrs.problems.length > 0 ? [] : sourceRanges,
    affinityTimeoutMs: service.sessionAffinity === 'ClientIP' ? service.sessionAffinityTimeoutSeconds * 1000 : null,
    acceptProxyProtocol: trustedCidrs.value === null ? null : { trustedCidrs: trustedCidrs.value },
    sendProxyProtocol: read(SERVICE_ROWS.proxyProtocol),
    connectTimeoutMs: read(SERVICE_ROWS.connectTimeout),
    idleTimeoutMs: { tcp: idleMs ?? TCP_IDLE_MS, udp: idleMs ?? UDP_IDLE_MS },
    maxConnections: read(SERVICE_ROWS.maxConnections),
    forwarding: read(SERVICE_ROWS.forwarding),
    balance: read(SERVICE_ROWS.balance),
    proxyFeatures: PROXY_FEATURES.filter((name) => (service.metadata.annotations.get(OWN_PREFIX + name) ?? '') !== ''),
  };
  return { settings, problems };
}

/** The value of one annotation; its default, with a problem, when it breaks its rule. An empty one counts as absent. */
export function readServiceRow<T>(service: Service, row: ServiceRow<T>): { readonly value: T; readonly problems: readonly Problem[] } {
  const text = service.metadata.annotations.get(OWN_PREFIX + row.name) ?? '';
  if (text === '') return { value: row.default, problems: [] };
  const parsed =
    text.length > MAX_VALUE_CHARS ? { ok: false as const, rule: `must have at most ${MAX_VALUE_CHARS} characters` } : row.parse(text);
  if (parsed.ok) return { value: parsed.value, problems: [] };
  const effect = row.closes === true ? CLOSED : `the default is used: ${row.defaultText}`;
  const field = annotationField(OWN_PREFIX + row.name);
  return { value: row.default, problems: [problemOf(service, { severity: 'error', field, rule: parsed.rule, value: text, effect })] };
}

/** Canonical CIDRs; null: everybody; empty: nobody, because one of them cannot be read. */
function readSourceRanges(service: Service, problems: Problem[]): readonly string[] | null {
  const ranges = service.loadBalancerSourceRanges;
  if (ranges.length === 0) return null;
  const cidrs: string[] = [];
  const before = problems.length;
  for (const [index, text] of ranges.entries()) {
    const parsed = parseCidrList(text);
    if (parsed.ok && parsed.value.length === 1) {
      cidrs.push(...parsed.value);
      continue;
    }
    const field = `spec.loadBalancerSourceRanges[${index}]`;
    problems.push(problemOf(service, { severity: 'error', field, rule: 'must be a CIDR such as 192.0.2.0/24', value: text, effect: CLOSED }));
  }
  return problems.length > before ? [] : [...new Set(cidrs)];
}
