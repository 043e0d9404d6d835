import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { V1EndpointSlice, V1Node, V1Service } from '@kubernetes/client-node';
import { pool } from '../support/loadBalancer.ts';
import type { Manifest } from '../support/manifests.ts';
import { BACKEND_PORT } from './backends.ts';
import type { Lab, LabNode } from './lab.ts';
import { FIRST_VIP_HOST, lanAddress, type Addresses } from './labAddresses.ts';

/** gatehouse.dev/v1 L2Advertisement, as far as the lab writes it. */
export interface L2AdvertisementManifest {
  readonly apiVersion: 'gatehouse.dev/v1';
  readonly kind: 'L2Advertisement';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly ipAddressPools?: readonly string[];
    readonly interfaces?: readonly string[];
    readonly nodeSelectors?: readonly { readonly matchLabels: Readonly<Record<string, string>> }[];
    readonly sharing?: 'owner' | 'perClient';
    readonly sticky?: boolean;
    readonly ownership?: 'hash' | 'lease';
  };
}

export type LabManifest = Manifest | V1Node | L2AdvertisementManifest;

/** A Service of the lab: a VIP of each family, and endpoints on nodes. */
export interface LabService {
  readonly name: string;
  /** Host number of its VIPs, from `FIRST_VIP_HOST` on. */
  readonly vip: number;
  /** Default: `tcp` and `udp`, each on the port of its backend. */
  readonly ports?: readonly LabPort[];
  /** Nodes whose endpoints it has, all of each; default: every node's. */
  readonly on?: readonly LabNode[];
  readonly policy?: 'Local' | 'Cluster';
  readonly annotations?: Readonly<Record<string, string>>;
  /** Further fields of its spec. */
  readonly spec?: Partial<NonNullable<V1Service['spec']>>;
}

export interface LabPort {
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly targetPort: number;
}

export const ECHO_PORTS: readonly LabPort[] = [
  { name: 'tcp', protocol: 'TCP', port: BACKEND_PORT.tcp, targetPort: BACKEND_PORT.tcp },
  { name: 'udp', protocol: 'UDP', port: BACKEND_PORT.udp, targetPort: BACKEND_PORT.udp },
];

/** Its VIPs. */
export function vipOf({ vip }: LabService): Addresses {
  return lanAddress(vip);
}

/** One pool of all VIPs of the lab, and what announces it; nothing that a Service does not ask for by address. */
export function poolOf(advertisement: L2AdvertisementManifest['spec'] = {}): LabManifest[] {
  const [first, last] = [lanAddress(FIRST_VIP_HOST), lanAddress(FIRST_VIP_HOST + 50)];
  return [
    pool('lan', [`${first.ipv4}-${last.ipv4}`, `${first.ipv6}-${last.ipv6}`]),
    { apiVersion: 'gatehouse.dev/v1', kind: 'L2Advertisement', metadata: { name: 'lan' }, spec: { ipAddressPools: ['lan'], ...advertisement } },
  ];
}

/** The Node objects of the lab; `labels` by node number, beside the host name's. */
export function nodeObjects(lab: Lab, labels: Readonly<Record<number, Readonly<Record<string, string>>>> = {}): LabManifest[] {
  return lab.nodes.map(({ number, nodeName, addresses }) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, labels: { 'kubernetes.io/hostname': nodeName, ...labels[number] } },
    status: {
      addresses: Object.values(addresses).map((address: string) => ({ type: 'InternalIP', address })),
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  }));
}

/** The Service and its EndpointSlices, one per family. */
export function serviceObjects(lab: Lab, service: LabService): LabManifest[] {
  const { name, ports = ECHO_PORTS, on = lab.nodes, policy = 'Cluster', annotations = {}, spec = {} } = service;
  const vip = vipOf(service);
  const object: V1Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', annotations: { 'gatehouse.dev/load-balancer-ips': `${vip.ipv4},${vip.ipv6}`, ...annotations } },
    spec: {
      type: 'LoadBalancer',
      ipFamilyPolicy: 'RequireDualStack',
      ipFamilies: ['IPv4', 'IPv6'],
      externalTrafficPolicy: policy,
      ports: ports.map(({ name: portName, port, protocol, targetPort }) => ({ name: portName, port, protocol, targetPort })),
      ...spec,
    },
  };
  return [object, sliceOf(service, ports, { on, family: 'ipv4' }), sliceOf(service, ports, { on, family: 'ipv6' })];
}

function sliceOf({ name }: LabService, ports: readonly LabPort[], { on, family }: { on: readonly LabNode[]; family: keyof Addresses }): V1EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${family}`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: family === 'ipv4' ? 'IPv4' : 'IPv6',
    ports: ports.map(({ name: portName, protocol, targetPort }) => ({ name: portName, port: targetPort, protocol })),
    endpoints: on.flatMap(({ nodeName, podAddresses }) =>
      podAddresses.map((addresses) => ({ addresses: [addresses[family]], nodeName, conditions: { ready: true, serving: true, terminating: false } }))),
  };
}

/** Replaces the objects of a folder at once: all nodes read the same file. */
export async function writeObjects(folder: string, objects: readonly LabManifest[]): Promise<void> {
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await writeFile(join(folder, '.objects.json.new'), text);
  await rename(join(folder, '.objects.json.new'), join(folder, 'objects.json'));
}
