import type { Decoding } from './decoding.ts';
import { decodeServicePorts } from './servicePort.ts';
import { decodeServiceVips } from './serviceVips.ts';
import { DNS_SUBDOMAIN, IP_ADDRESS, LABEL_KEY, LABEL_VALUE, type TextForm } from './textForm.ts';
import type { FieldReader } from './fieldReader.ts';
import type { Service } from '../model/service.ts';

const TYPES: readonly Service['type'][] = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'];

/** One address per family (API: dual stack). */
const MAX_CLUSTER_IPS = 2;

/** What a headless Service writes in place of an address. */
const HEADLESS = 'None';

const CLUSTER_IP: TextForm = {
  rule: `${IP_ADDRESS.rule} or "${HEADLESS}"`,
  matches: (text) => text === HEADLESS || text === '' || IP_ADDRESS.matches(text),
};
const EXTERNAL_NAME: TextForm = {
  rule: DNS_SUBDOMAIN.rule,
  matches: (text) => DNS_SUBDOMAIN.matches(text.toLowerCase().replace(/\.$/, '')),
};

/** v1 Service. Null when its type, its external name or its shape is faulty. */
export function decodeService({ object, base }: Decoding): Service | null {
  const spec = object.requiredMap('spec');
  if (spec === null) return null;
  const type = spec.choice('type', TYPES) ?? 'ClusterIP';
  const ports = decodeServicePorts(spec);
  const service: Service = {
    ...base,
    kind: 'Service',
    type,
    ports,
    externalName: type === 'ExternalName' ? spec.requiredText('externalName', EXTERNAL_NAME) : '',
    clusterIPs: decodeClusterIps(spec),
    publishNotReadyAddresses: spec.flag('publishNotReadyAddresses') ?? false,
    selector: spec.textMap('selector', { key: LABEL_KEY, value: LABEL_VALUE }, 'the label is left out'),
    ...decodeServiceVips(object, spec),
  };
  if (type !== 'ExternalName' && spec.value('clusterIP') !== HEADLESS) reportNoPorts(spec);
  return object.failed ? null : service;
}

/** Addresses only: a headless Service, or one that has none yet, has none here. */
function decodeClusterIps(spec: FieldReader): string[] {
  const bounds = { max: MAX_CLUSTER_IPS, effect: 'the address is left out' };
  const single = spec.text('clusterIP', CLUSTER_IP);
  const all = spec.has('clusterIPs') ? spec.texts('clusterIPs', CLUSTER_IP, bounds) : single === null ? [] : [single];
  return all.filter((address) => address !== HEADLESS && address !== '');
}

function reportNoPorts(spec: FieldReader): void {
  const ports = spec.value('ports');
  if (spec.failed || (Array.isArray(ports) && ports.length > 0)) return;
  spec.report({ field: spec.path('ports'), rule: 'must have at least one port', effect: 'no Ingress can use it' });
}
