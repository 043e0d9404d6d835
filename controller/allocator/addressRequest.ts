import { parseIpAddress, sameIpAddress, type IpAddress } from '../../core/net/ipAddress.ts';
import type { Service } from '../model/service.ts';
import type { Finding } from '../translate/problemOf.ts';
import { readAnnotations, type AnnotationText } from './wishAnnotations.ts';

/** What makes a wish unclear. */
export type WishFault = Omit<Finding, 'effect' | 'severity'>;

/** Addresses that a Service asks for by value. */
export interface AddressRequest {
  /** At most one of each family; empty: any will do. */
  readonly addresses: readonly IpAddress[];
  /** Where they, or the lack of a wish, are stated. */
  readonly field: string;
  readonly fault: WishFault | null;
}

const LOAD_BALANCER_IP = 'spec.loadBalancerIP';
const ONE_OR_TWO = 'must be an IP address, or an IPv4 and an IPv6 address with a comma between them';

/** Reads annotations and `spec.loadBalancerIP`. All that ask must ask for the same. */
export function readAddressRequest(service: Service): AddressRequest {
  const said = readAnnotations(service.metadata.annotations, 'addresses');
  const requests = said.map(parseAnnotation);
  const [listed] = requests;
  const [first] = said;
  const faulty = requests.find(({ fault }) => fault !== null);
  if (faulty !== undefined) return faulty;
  const differing = said.find((_, index) => !sameAddresses(requests[index], listed));
  if (listed !== undefined && first !== undefined && differing !== undefined)
    return { ...listed, addresses: [], fault: disagreement(differing, first) };
  const single = parseLoadBalancerIP(service.loadBalancerIP);
  if (listed === undefined || single.fault !== null) return single;
  const [only] = single.addresses;
  if (only === undefined || listed.addresses.some((address) => sameIpAddress(address, only))) return listed;
  const rule = 'must be one of the addresses that the annotation asks for, or be left out';
  return { ...listed, fault: { field: LOAD_BALANCER_IP, rule, value: service.loadBalancerIP } };
}

/** The fault of two annotations of one meaning that do not say the same. */
export function disagreement(differing: FieldText, first: FieldText): WishFault {
  const { field, value } = differing;
  return { field, rule: `must say the same as ${first.field}, or be left out`, value };
}

/** What stands in a field. */
interface FieldText {
  readonly field: string;
  readonly value: string;
}

function parseLoadBalancerIP(text: string): AddressRequest {
  if (text.trim() === '') return { addresses: [], field: 'spec.type', fault: null };
  const address = parseIpAddress(text.trim());
  const rule = address === null ? 'must be an IP address' : unspecifiedRule(address, text);
  if (address !== null && rule === null) return { addresses: [address], field: LOAD_BALANCER_IP, fault: null };
  return refuse(LOAD_BALANCER_IP, rule ?? '', text);
}

function parseAnnotation({ annotation, value, field }: AnnotationText): AddressRequest {
  const parts = value.split(',', 3).map((part) => part.trim());
  const known: IpAddress[] = [];
  for (const part of parts) {
    const address = parseIpAddress(part);
    if (address === null) {
      // kube-vip looks names up and announces what they stand for.
      const named = annotation.product === 'kube-vip' && isName(part);
      return refuse(field, named ? 'must be IP addresses: host names are not looked up' : ONE_OR_TWO, value);
    }
    const rule = unspecifiedRule(address, part);
    if (rule !== null) return refuse(field, rule, value);
    known.push(address);
  }
  const [first, second] = known;
  if (parts.length > 2 || first?.family === second?.family) return refuse(field, ONE_OR_TWO, value);
  return { addresses: known, field, fault: null };
}

/** 0.0.0.0 and :: are no addresses of anybody; kube-vip's users write them for `by DHCP`. */
function unspecifiedRule({ value }: IpAddress, text: string): string | null {
  if (value !== 0n) return null;
  return `must be an address of a pool: ${text.trim()} asks kube-vip for one by DHCP, which Gatehouse does not speak`;
}

function isName(text: string): boolean {
  return /[a-z]/i.test(text) && !text.includes(':');
}

function sameAddresses(a: AddressRequest | undefined, b: AddressRequest | undefined): boolean {
  if (a?.addresses.length !== b?.addresses.length) return false;
  return a?.addresses.every((one) => b?.addresses.some((other) => sameIpAddress(one, other))) !== false;
}

function refuse(field: string, rule: string, value: string): AddressRequest {
  return { addresses: [], field, fault: { field, rule, value } };
}
