import type { FieldReader } from './fieldReader.ts';
import { ANY_TEXT, IP_ADDRESS, type TextForm } from './textForm.ts';
import type { Condition, LoadBalancerIngress } from '../model/objectBase.ts';

/** Entries of one status (ours); ingress-nginx without a publish Service lists every node. */
const MAX_INGRESS = 1000;
/** Ports of one entry (ours). */
const MAX_PORTS = 1000;
const MAX_CONDITIONS = 100;
const MAX_PORT = 65_535;

const IP_MODES = ['VIP', 'Proxy'] as const;
const STATUSES = ['True', 'False', 'Unknown'] as const;

const EMPTY_OR_ADDRESS: TextForm = {
  rule: IP_ADDRESS.rule,
  matches: (text) => text === '' || IP_ADDRESS.matches(text),
};

/** `status.loadBalancer.ingress` of a Service or an Ingress; faulty entries are left out. `status` as of `FieldReader.status`. */
export function decodeLoadBalancer(status: FieldReader | null): LoadBalancerIngress[] {
  const effect = 'the address is not known to be in use';
  const readers = status?.element('loadBalancer', effect)?.elements('ingress', { max: MAX_INGRESS, effect }) ?? [];
  return readers.map(decodeIngressEntry).filter((entry) => entry !== null);
}

function decodeIngressEntry(reader: FieldReader): LoadBalancerIngress | null {
  const entry: LoadBalancerIngress = {
    ip: reader.text('ip', EMPTY_OR_ADDRESS) ?? '',
    hostname: reader.text('hostname', ANY_TEXT) ?? '',
    ipMode: reader.choice('ipMode', IP_MODES),
    ports: decodePorts(reader),
  };
  return reader.failed ? null : entry;
}

function decodePorts(entry: FieldReader): LoadBalancerIngress['ports'] {
  const ports: { readonly port: number; readonly protocol: string }[] = [];
  for (const reader of entry.elements('ports', { max: MAX_PORTS, effect: 'the port is left out' })) {
    const port = reader.integer('port', 0, MAX_PORT) ?? 0;
    const protocol = reader.text('protocol', ANY_TEXT) ?? '';
    if (!reader.failed) ports.push({ port, protocol });
  }
  return ports;
}

/** `status.conditions` (meta/v1 Condition); faulty ones are left out. `status` as of `FieldReader.status`. */
export function decodeConditions(status: FieldReader | null): Condition[] {
  const conditions: Condition[] = [];
  const bounds = { max: MAX_CONDITIONS, effect: 'the condition is left out' };
  for (const reader of status?.elements('conditions', bounds) ?? []) {
    const condition: Condition = {
      type: reader.requiredText('type'),
      status: reader.choice('status', STATUSES) ?? 'Unknown',
      reason: reader.text('reason') ?? '',
      message: reader.text('message') ?? '',
    };
    if (!reader.failed) conditions.push(condition);
  }
  return conditions;
}
