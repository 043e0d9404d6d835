import { createHash } from 'node:crypto';
import { apiVersionOf, RESOURCES } from '../cluster/resources.ts';
import type { Service } from '../model/service.ts';
import type { ServiceStatus } from '../translate/translation.ts';

/** What a node says of the addresses of one Service (`status` of ServiceVIPStatus). */
export interface VipStatus {
  readonly node: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  readonly addresses: readonly string[];
  readonly forwarding: ServiceStatus['forwarding'];
  /** Interfaces of the machine that have one of the addresses, by name. */
  readonly interfaces: readonly { readonly name: string }[];
  /** Names of the BGPPeers that are told of them, sorted. */
  readonly peers: readonly string[];
}

/** A ServiceVIPStatus as it should be. */
export interface WantedVipStatus {
  readonly namespace: string;
  readonly name: string;
  /** The Service that it goes with. */
  readonly serviceUid: string;
  readonly status: VipStatus;
}

/** Label whose value is the node; it finds all objects of a node. */
export const NODE_LABEL = 'gatehouse.dev/node';
/** Label whose value is the own namespace: two Gatehouses in one cluster must not tidy up after each other. */
export const INSTALLATION_LABEL = 'gatehouse.dev/installation';
const SERVICE_NAME_LABEL = 'gatehouse.dev/service-name';
const SERVICE_NAMESPACE_LABEL = 'gatehouse.dev/service-namespace';

/** API: longest label value; names of Nodes may be longer. */
const MAX_LABEL_CHARS = 63;
/** Bounds of the CRD. */
const MAX_INTERFACES = 64;
const MAX_PEERS = 256;
/** Of a SHA-256 in hex: 40 bits, among the nodes of one Service. */
const DIGEST_CHARS = 10;

/** Name of the object of one Service and node: the same on every start, and a DNS name since that of a Service is a label. */
export function vipStatusName(service: string, node: string): string {
  return `${service}-${digestOf(`${service}\n${node}`)}`;
}

/** The value of the node label; a name that is too long is cut and told apart by a digest. */
export function nodeLabelValue(node: string): string {
  if (node.length <= MAX_LABEL_CHARS) return node;
  const kept = node.slice(0, MAX_LABEL_CHARS - DIGEST_CHARS - 1).replace(/[^a-z0-9]$/, 'x');
  return `${kept}-${digestOf(node)}`;
}

/** What this node should say of a Service; null when it does not carry it. */
export function wantedVipStatus(
  service: Service,
  { ours, addresses, forwarding }: ServiceStatus,
  place: { readonly node: string; readonly interfaces: readonly string[]; readonly peers: readonly string[] },
): WantedVipStatus | null {
  const { name, namespace, uid } = service.metadata;
  if (!ours || addresses.length === 0 || forwarding === 'none' || uid === '') return null;
  const { node, interfaces, peers } = place;
  const status = {
    node,
    serviceName: name,
    serviceNamespace: namespace,
    addresses,
    forwarding,
    interfaces: [...new Set(interfaces)].toSorted().slice(0, MAX_INTERFACES).map((interfaceName) => ({ name: interfaceName })),
    peers: [...new Set(peers)].toSorted().slice(0, MAX_PEERS),
  };
  return { namespace, name: vipStatusName(name, node), serviceUid: uid, status };
}

/** The object to create; its status is written afterwards, as the API server drops it here. */
export function vipStatusObject({ namespace, name, serviceUid, status }: WantedVipStatus, installation: string): unknown {
  return {
    apiVersion: apiVersionOf(RESOURCES.ServiceVIPStatus),
    kind: 'ServiceVIPStatus',
    metadata: {
      name,
      namespace,
      labels: {
        [NODE_LABEL]: nodeLabelValue(status.node),
        [INSTALLATION_LABEL]: installation,
        [SERVICE_NAME_LABEL]: status.serviceName,
        [SERVICE_NAMESPACE_LABEL]: status.serviceNamespace,
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: status.serviceName, uid: serviceUid }],
    },
  };
}

/** A ServiceVIPStatus that stands in the API server. */
export interface StandingVipStatus {
  readonly uid: string;
  readonly serviceUid: string;
  /** Comparable form of its status, `vipStatusText`. */
  readonly status: string;
}

/** Reads it, with where it stands; null when it has no name. */
export function readVipStatus(raw: unknown): { readonly key: string; readonly standing: StandingVipStatus } | null {
  const metadata = fieldOf(raw, 'metadata');
  const [name, namespace] = [fieldOf(metadata, 'name'), fieldOf(metadata, 'namespace')];
  if (typeof name !== 'string' || typeof namespace !== 'string') return null;
  const owners = fieldOf(metadata, 'ownerReferences');
  const owner: unknown = Array.isArray(owners) ? owners[0] : undefined;
  const [uid, serviceUid] = [String(fieldOf(metadata, 'uid')), String(fieldOf(owner, 'uid'))];
  return { key: `${namespace}/${name}`, standing: { uid, serviceUid, status: vipStatusText(fieldOf(raw, 'status')) } };
}

/** Comparable form of a status, in one order of fields. */
export function vipStatusText(status: unknown): string {
  const fields = ['node', 'serviceName', 'serviceNamespace', 'addresses', 'forwarding', 'interfaces', 'peers'] as const;
  return JSON.stringify(fields.map((field) => fieldOf(status, field) ?? null));
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARS);
}
