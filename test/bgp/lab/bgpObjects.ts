import { ECHO_PORTS, serviceObjects, type LabManifest, type LabService } from '../../netns/labObjects.ts';
import type { Lab, LabNode } from '../../netns/lab.ts';
import type { Addresses } from '../../netns/labAddresses.ts';
import { pool } from '../../support/loadBalancer.ts';
import { BFD } from './router.ts';

/** gatehouse.dev/v1 BGPPeer, as far as these tests write it. */
export interface BgpPeerSpec {
  readonly myASN: number;
  readonly peerASN?: number;
  readonly dynamicASN?: 'internal' | 'external';
  readonly localASN?: number;
  readonly peerAddress?: string;
  readonly interface?: string;
  readonly sourceAddress?: string;
  readonly holdTime?: string;
  readonly keepaliveTime?: string;
  readonly connectTime?: string;
  readonly nodeSelectors?: readonly { readonly matchLabels: Readonly<Record<string, string>> }[];
  readonly password?: string;
  readonly passwordSecret?: { readonly name: string };
  readonly bfdProfile?: string;
  readonly enableGracefulRestart?: boolean;
  readonly ebgpMultiHop?: boolean;
  readonly multihopTTL?: number;
  readonly ttlSecurity?: boolean;
  readonly dualStackAddressFamily?: boolean;
  readonly connectMode?: 'active' | 'passive' | 'both';
  readonly addPathSend?: number;
  readonly gracefulRestartTime?: string;
  readonly longLivedStaleTime?: string;
  readonly role?: 'provider' | 'customer';
  readonly shutdown?: { readonly message: string };
}

/** gatehouse.dev/v1 BGPAdvertisement. */
export interface BgpAdvertisementSpec {
  readonly ipAddressPools?: readonly string[];
  readonly peers?: readonly string[];
  readonly nodeSelectors?: readonly { readonly matchLabels: Readonly<Record<string, string>> }[];
  readonly serviceSelectors?: readonly { readonly matchLabels: Readonly<Record<string, string>> }[];
  readonly communities?: readonly string[];
  readonly localPref?: number;
  readonly med?: number;
  readonly asPathPrepend?: number;
  readonly linkBandwidth?: 'endpoints';
  readonly aggregationLength?: number;
  readonly aggregationLengthV6?: number;
}

/** Objects of Gatehouse that the lab's own manifests know nothing of. */
type BgpObject = { readonly apiVersion: 'gatehouse.dev/v1'; readonly kind: string; readonly metadata: { readonly name: string }; readonly spec: unknown };

const own = (kind: string, name: string, spec: unknown): LabManifest =>
  ({ apiVersion: 'gatehouse.dev/v1', kind, metadata: { name }, spec }) satisfies BgpObject as unknown as LabManifest;

export const bgpPeer = (name: string, spec: BgpPeerSpec): LabManifest => own('BGPPeer', name, spec);
export const bgpAdvertisement = (name: string, spec: BgpAdvertisementSpec): LabManifest => own('BGPAdvertisement', name, spec);
export const community = (name: string, communities: readonly { readonly name: string; readonly value: string }[]): LabManifest =>
  own('Community', name, { communities });
/** As the routers of the lab have it. */
export const bfdProfile = (name: string, multiplier: number = BFD.multiplier): LabManifest =>
  own('BFDProfile', name, { receiveInterval: BFD.intervalMs, transmitInterval: BFD.intervalMs, detectMultiplier: multiplier });

/** Name of the pool of VIPs that are announced by BGP: no subnet of the lab. */
export const BGP_POOL = 'bgp';
/** The pool itself. */
export const bgpPool = (): LabManifest => pool(BGP_POOL, ['10.80.0.0/24', 'fd77:80::/120']);

/** VIPs of that pool. */
export function bgpVip(host: number): Addresses {
  return { ipv4: `10.80.0.${host}`, ipv6: `fd77:80::${host.toString(16)}` };
}

/** As prefixes. */
export function bgpPrefix(host: number): Addresses {
  const { ipv4, ipv6 } = bgpVip(host);
  return { ipv4: `${ipv4}/32`, ipv6: `${ipv6}/128` };
}

/** A Service whose VIPs are of that pool. */
export function bgpService(lab: Lab, { vip, annotations = {}, ...service }: LabService): LabManifest[] {
  const { ipv4, ipv6 } = bgpVip(vip);
  return serviceObjects(lab, { ...service, vip, annotations: { ...annotations, 'gatehouse.dev/load-balancer-ips': `${ipv4},${ipv6}` } });
}

/** A Service with one port and VIPs of its own choice: of IPv4 alone where it has no other. Its only endpoint is on the first node. */
export function plainService(lab: Lab, name: string, addresses: readonly string[]): LabManifest[] {
  const isDual = addresses.some((address) => address.includes(':'));
  const [first] = ECHO_PORTS;
  const objects = serviceObjects(lab, {
    name, vip: 0, on: [lab.node(1)], ports: first === undefined ? [] : [first], annotations: { 'gatehouse.dev/load-balancer-ips': addresses.join() },
    ...(isDual ? {} : { spec: { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] } }),
  });
  return isDual ? objects : objects.filter((object) => !('addressType' in object) || object.addressType === 'IPv4');
}

/** A node as it would be with fewer endpoints. */
export function withEndpoints(node: LabNode, count: number): LabNode {
  return { ...node, podAddresses: node.podAddresses.slice(0, count) };
}
