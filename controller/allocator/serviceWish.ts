import { parseIpAddress, sameIpAddress, type IpAddress, type IpFamily } from '../../core/net/ipAddress.ts';
import { refOf, type Service } from '../model/objects.ts';
import { memoizeByObject } from '../translate/memoize.ts';
import { problemOf, type Finding } from '../translate/problemOf.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import { familyWishOf, type FamilyWish } from './familyWish.ts';
import { fingerprintOf, sharingTermsOf, type SharingTerms } from './sharingTerms.ts';
import { ADDRESS_POOL, ALLOW_SHARED_IP, deprecations, LOAD_BALANCER_IPS, readAnnotation } from './wishAnnotations.ts';

/** What one Service asks of the allocator. */
export interface ServiceWish {
  readonly service: Service;
  readonly ref: ObjectRef;
  /** `namespace/name`. */
  readonly key: string;
  /** Asked for by value, in the order of `families`; empty: any. */
  readonly addresses: readonly IpAddress[];
  /** Where they, or the lack of a wish, are stated. */
  readonly addressField: string;
  /** Name of the pool they must come from; null: any that may be used. */
  readonly pool: string | null;
  readonly poolField: string;
  readonly families: FamilyWish;
  readonly sharing: SharingTerms;
  readonly sharingTerms: string | undefined;
  /** What makes the wish unclear: nothing new is given then, and what the Service has stays. Null: all is clear. */
  readonly fault: Omit<Finding, 'effect' | 'severity'> | null;
  /** Deprecated spellings. */
  readonly problems: readonly Problem[];
}

/** Class that Services may name to be served by Gatehouse; those that name none are served too. */
export const LOAD_BALANCER_CLASS = 'gatehouse.dev/lb';

const LOAD_BALANCER_IP = 'spec.loadBalancerIP';

/** True for a Service that gets addresses from Gatehouse's pools. */
export function isOurs(service: Service): boolean {
  if (service.type !== 'LoadBalancer') return false;
  return service.loadBalancerClass === null || service.loadBalancerClass === LOAD_BALANCER_CLASS;
}

/** What a Service asks for; remembered as long as the Service lives. */
export function readWish(service: Service): ServiceWish {
  return remembered(service, null);
}

const remembered = memoizeByObject<Service, null, ServiceWish>(computeWish);

function computeWish(service: Service): ServiceWish {
  const { annotations, namespace, name } = service.metadata;
  const families = familyWishOf(service);
  const pool = readAnnotation(annotations, ADDRESS_POOL);
  const key = readAnnotation(annotations, ALLOW_SHARED_IP)?.value ?? '';
  const sharing = sharingTermsOf(service, key);
  const request = readRequest(service);
  const fault = request.fault ?? familyFault(request, families);
  return {
    service,
    ref: refOf(service),
    key: `${namespace}/${name}`,
    addresses: fault === null ? inOrder(request.addresses, families) : [],
    addressField: request.field,
    pool: pool === null || pool.value === '' ? null : pool.value,
    poolField: pool?.field ?? '',
    families,
    sharing,
    sharingTerms: fingerprintOf(sharing),
    fault,
    problems: deprecations(annotations).map((finding) => problemOf(service, finding)),
  };
}

interface Request {
  readonly addresses: readonly IpAddress[];
  readonly field: string;
  readonly fault: ServiceWish['fault'];
}

/** Addresses asked for by annotation or `spec.loadBalancerIP`. */
function readRequest(service: Service): Request {
  const annotation = readAnnotation(service.metadata.annotations, LOAD_BALANCER_IPS);
  const listed = parseAddresses(annotation?.value ?? '', annotation?.field ?? '');
  const single = parseAddresses(service.loadBalancerIP, LOAD_BALANCER_IP);
  if (listed.fault !== null || single.fault !== null) return listed.fault === null ? single : listed;
  if (listed.addresses.length === 0) return single.addresses.length === 0 ? { ...single, field: 'spec.type' } : single;
  const [only] = single.addresses;
  if (only === undefined || listed.addresses.some((address) => sameIpAddress(address, only))) return listed;
  const rule = 'must be one of the addresses that the annotation asks for, or be left out';
  return { ...listed, fault: { field: LOAD_BALANCER_IP, rule, value: service.loadBalancerIP } };
}

function parseAddresses(text: string, field: string): Request {
  if (text.trim() === '') return { addresses: [], field, fault: null };
  const addresses = text.split(',', 3).map((part) => parseIpAddress(part.trim()));
  const known = addresses.filter((address) => address !== null);
  const families = new Set(known.map(({ family }) => family));
  const single = field === LOAD_BALANCER_IP && addresses.length > 1;
  if (known.length === addresses.length && families.size === known.length && !single) {
    return { addresses: known, field, fault: null };
  }
  const rule =
    field === LOAD_BALANCER_IP
      ? 'must be an IP address'
      : 'must be an IP address, or an IPv4 and an IPv6 address with a comma between them';
  return { addresses: [], field, fault: { field, rule, value: text } };
}

function familyFault({ addresses, field }: Request, families: FamilyWish): ServiceWish['fault'] {
  const [first] = addresses;
  if (first === undefined) return null;
  if (families.type === 'require' && addresses.length === 1) {
    return {
      field,
      rule: 'must be two addresses, IPv4 and IPv6: ipFamilyPolicy is RequireDualStack',
      value: first.family,
    };
  }
  if (families.type !== 'single') return null;
  if (addresses.length > 1) {
    const rule = 'must be one address, or spec.ipFamilyPolicy must be PreferDualStack or RequireDualStack';
    return { field, rule, value: `${addresses.length} addresses` };
  }
  if (families.family === null || families.family === first.family) return null;
  return { field, rule: `must be an ${families.family} address, as ipFamilies says`, value: first.family };
}

/** Addresses, or families, in the order in which the Service lists its families. */
function inOrder(addresses: readonly IpAddress[], families: FamilyWish): readonly IpAddress[] {
  const first: IpFamily | null = families.type === 'single' ? families.family : families.order[0];
  return first === null
    ? addresses
    : addresses.toSorted((a, b) => Number(a.family !== first) - Number(b.family !== first));
}
