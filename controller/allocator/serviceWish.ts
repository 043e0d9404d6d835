import type { IpAddress, IpFamily } from '../../core/net/ipAddress.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import { refOf } from '../model/objects.ts';
import type { Service } from '../model/service.ts';
import { problemOf } from '../translate/problemOf.ts';
import { disagreement, readAddressRequest, type AddressRequest, type WishFault } from './addressRequest.ts';
import { familyWishOf, type FamilyWish } from './familyWish.ts';
import { fingerprintOf, sharingTermsOf, type SharingTerms } from './sharingTerms.ts';
import { deprecations, isOptedIn, readAnnotations, type AnnotationMeaning } from './wishAnnotations.ts';

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
  readonly fault: WishFault | null;
  /** Deprecated spellings. */
  readonly problems: readonly Problem[];
}

/** Class that Services name to be served by Gatehouse when nothing else is said. */
export const LOAD_BALANCER_CLASS = 'gatehouse.dev/lb';

/** Which Services of type LoadBalancer are ours. */
export interface OwnershipRules {
  /** The class that is ours; `required`: Services that name none are not. */
  readonly loadBalancerClass: { readonly name: string; readonly required: boolean };
  /** Services that name no class must say by OpenELB's annotation that they want an address. */
  readonly openelbOptIn: boolean;
}

/** True for a Service that gets addresses from Gatehouse's pools. All others are left alone, whatever their statuses say. */
export function isOurs(service: Service, { loadBalancerClass, openelbOptIn }: OwnershipRules): boolean {
  if (service.type !== 'LoadBalancer') return false;
  if (service.loadBalancerClass !== null) return service.loadBalancerClass === loadBalancerClass.name;
  return !loadBalancerClass.required && (!openelbOptIn || isOptedIn(service.metadata.annotations));
}

/** What a Service asks for. */
export function readWish(service: Service): ServiceWish {
  const { annotations, namespace, name } = service.metadata;
  const families = familyWishOf(service);
  const pool = readText(annotations, 'pool');
  const key = readText(annotations, 'sharingKey');
  const sharing = sharingTermsOf(service, key.value);
  const request = readAddressRequest(service);
  const fault = request.fault ?? pool.fault ?? key.fault ?? familyFault(request, families);
  return {
    service,
    ref: refOf(service),
    key: `${namespace}/${name}`,
    addresses: fault === null ? inOrder(request.addresses, families) : [],
    addressField: request.field,
    pool: pool.value === '' ? null : pool.value,
    poolField: pool.field,
    families,
    sharing,
    sharingTerms: fingerprintOf(sharing),
    fault,
    problems: deprecations(annotations).map((finding) => problemOf(service, finding)),
  };
}

interface SaidText {
  /** Empty: nothing is said. */
  readonly value: string;
  readonly field: string;
  readonly fault: WishFault | null;
}

const NOTHING_SAID: SaidText = { value: '', field: '', fault: null };

/** What annotations of one meaning say together; when they disagree the first counts for what the Service already has. */
function readText(annotations: Service['metadata']['annotations'], meaning: AnnotationMeaning): SaidText {
  const said = readAnnotations(annotations, meaning);
  const [first] = said;
  if (first === undefined) return NOTHING_SAID;
  const differing = said.find(({ value }) => value !== first.value);
  const { value, field } = first;
  return { value, field, fault: differing === undefined ? null : disagreement(differing, first) };
}

function familyFault({ addresses, field }: AddressRequest, families: FamilyWish): WishFault | null {
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
  return first === null || addresses.length < 2
    ? addresses
    : addresses.toSorted((a, b) => Number(a.family !== first) - Number(b.family !== first));
}
