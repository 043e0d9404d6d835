import type { FieldReader } from './fieldReader.ts';
import { decodeConditions, decodeLoadBalancer } from './loadBalancerStatus.ts';
import { ANY_TEXT, DNS_SUBDOMAIN, LABEL_VALUE, type TextForm } from './textForm.ts';
import { parseCidr } from '../../core/net/ipRange.ts';
import type { Service } from '../model/service.ts';

/** The fields of a Service that say which addresses it wants and who may reach it there. */
export type ServiceVips = Pick<
  Service,
  | 'loadBalancerIP'
  | 'loadBalancerClass'
  | 'loadBalancerSourceRanges'
  | 'externalTrafficPolicy'
  | 'healthCheckNodePort'
  | 'sessionAffinity'
  | 'sessionAffinityTimeoutSeconds'
  | 'ipFamilies'
  | 'ipFamilyPolicy'
  | 'statusAddresses'
  | 'statusLoadBalancer'
  | 'statusConditions'
  | 'trafficDistribution'
>;

const TRAFFIC_POLICIES: readonly Service['externalTrafficPolicy'][] = ['Cluster', 'Local'];
const AFFINITIES: readonly Service['sessionAffinity'][] = ['None', 'ClientIP'];
const FAMILIES: readonly Service['ipFamilies'][number][] = ['IPv4', 'IPv6'];
const FAMILY_POLICIES = ['SingleStack', 'PreferDualStack', 'RequireDualStack'] as const;

/** API: DefaultClientIPServiceAffinitySeconds, three hours. */
const DEFAULT_AFFINITY_SECONDS = 10_800;
/** API: MaxClientIPServiceAffinitySeconds, one day. */
const MAX_AFFINITY_SECONDS = 86_400;
const MAX_PORT = 65_535;
/** One Service's source ranges; the API has no bound, this one is ours. */
const MAX_SOURCE_RANGES = 1000;

const CLASS: TextForm = {
  rule: 'must be a class name such as "gatehouse.dev/lb": an optional domain and "/", then letters, digits, "-", "_" and "."',
  matches: (text) => {
    const slash = text.indexOf('/');
    if (slash !== -1 && !DNS_SUBDOMAIN.matches(text.slice(0, slash))) return false;
    return text.length > slash + 1 && LABEL_VALUE.matches(text.slice(slash + 1));
  },
};

/**
 * Reads them. `loadBalancerIP` is any text here, as in the API; the allocator judges it. Other faults cost the Service, so that
 * a slip in a source range never opens it to everybody.
 */
export function decodeServiceVips(object: FieldReader, spec: FieldReader): ServiceVips {
  const status = object.status('the address is not known to be in use');
  const statusLoadBalancer = decodeLoadBalancer(status);
  const clientIp = spec.map('sessionAffinityConfig')?.map('clientIP');
  return {
    loadBalancerIP: spec.text('loadBalancerIP', ANY_TEXT) ?? '',
    loadBalancerClass: spec.text('loadBalancerClass', CLASS),
    loadBalancerSourceRanges: decodeSourceRanges(spec),
    externalTrafficPolicy: spec.choice('externalTrafficPolicy', TRAFFIC_POLICIES) ?? 'Cluster',
    // The API server reads 0 as not set.
    healthCheckNodePort: spec.integer('healthCheckNodePort', 0, MAX_PORT) || null,
    sessionAffinity: spec.choice('sessionAffinity', AFFINITIES) ?? 'None',
    sessionAffinityTimeoutSeconds:
      clientIp?.integer('timeoutSeconds', 1, MAX_AFFINITY_SECONDS) ?? DEFAULT_AFFINITY_SECONDS,
    ipFamilies: decodeFamilies(spec),
    ipFamilyPolicy: spec.choice('ipFamilyPolicy', FAMILY_POLICIES),
    // Entries with a host name instead of an address are another product's.
    statusAddresses: statusLoadBalancer.map(({ ip }) => ip).filter((ip) => ip !== ''),
    statusLoadBalancer,
    statusConditions: decodeConditions(status),
    trafficDistribution: spec.text('trafficDistribution', ANY_TEXT),
  };
}

function decodeSourceRanges(spec: FieldReader): string[] {
  const ranges: string[] = [];
  for (const [index, value] of listOf(spec, 'loadBalancerSourceRanges', MAX_SOURCE_RANGES)) {
    const parsed = typeof value === 'string' ? parseCidr(value) : ({ ok: false, rule: 'must be a string' } as const);
    if (parsed.ok) ranges.push(String(value).trim());
    else spec.fail(`loadBalancerSourceRanges[${index}]`, parsed.rule, value);
  }
  return ranges;
}

function decodeFamilies(spec: FieldReader): Service['ipFamilies'] {
  const families: Service['ipFamilies'][number][] = [];
  for (const [index, value] of listOf(spec, 'ipFamilies', FAMILIES.length)) {
    const family = FAMILIES.find((known) => known === value);
    if (family === undefined) spec.fail(`ipFamilies[${index}]`, `must be ${FAMILIES.join(' or ')}`, value);
    else if (families.includes(family)) spec.fail(`ipFamilies[${index}]`, 'must differ from the other family', value);
    else families.push(family);
  }
  return families;
}

/** Places and values of a list that costs the Service when it is none or too long. */
function listOf(spec: FieldReader, key: string, max: number): [number, unknown][] {
  const value = spec.value(key);
  if (value === undefined) return [];
  if (!Array.isArray(value)) spec.fail(key, 'must be a list', value);
  else if (value.length > max) spec.fail(key, `must have at most ${max} entries`, value.length);
  else return [...value.entries()];
  return [];
}
