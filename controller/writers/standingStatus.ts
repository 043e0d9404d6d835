import type { PoolStatus } from '../model/addressPool.ts';
import type { Condition, LoadBalancerIngress } from '../model/objectBase.ts';
import type { KubeObject } from '../model/objects.ts';

/** The status of an object as it stands in the API server, as far as Gatehouse writes it. */
export interface StandingStatus {
  readonly uid: string;
  readonly resourceVersion: string;
  /** False: the object has no `status` at all, which kinds of a CRD may not have. */
  readonly present: boolean;
  /** `status.loadBalancer.ingress`. */
  readonly ingress: readonly LoadBalancerIngress[];
  /** In their order, those of others too: a patch names them by their place. */
  readonly conditions: readonly Condition[];
  /** Counts of a pool; null: none. */
  readonly usage: PoolStatus | null;
}

/**
 * What the object says of its own status as it was decoded; null when the decoded form does not hold all of it, so that the
 * object must be read before it is written.
 */
export function standingOf(object: KubeObject): StandingStatus | null {
  const { uid, resourceVersion } = object.metadata;
  const base = { uid, resourceVersion, present: true, usage: null };
  if (object.kind === 'Service') return { ...base, ingress: object.statusLoadBalancer, conditions: object.statusConditions };
  if (object.kind === 'Ingress') return { ...base, ingress: object.statusLoadBalancer, conditions: [] };
  return null;
}

/** Reads it from the JSON of an object. What is missing or of another form counts as not there. */
export function readStanding(raw: unknown): StandingStatus {
  const object = mapOf(raw);
  const metadata = mapOf(object.get('metadata'));
  const status = mapOf(object.get('status'));
  return {
    uid: textOf(metadata.get('uid')),
    resourceVersion: textOf(metadata.get('resourceVersion')),
    present: isMap(object.get('status')),
    ingress: listOf(mapOf(status.get('loadBalancer')).get('ingress')).map(readIngress),
    conditions: listOf(status.get('conditions')).map(readCondition),
    usage: readUsage(status),
  };
}

function readIngress(raw: unknown): LoadBalancerIngress {
  const entry = mapOf(raw);
  const ipMode = entry.get('ipMode');
  return {
    ip: textOf(entry.get('ip')),
    hostname: textOf(entry.get('hostname')),
    ipMode: ipMode === 'VIP' || ipMode === 'Proxy' ? ipMode : null,
    ports: listOf(entry.get('ports')).map((port) => ({
      port: numberOf(mapOf(port).get('port')),
      protocol: textOf(mapOf(port).get('protocol')),
    })),
  };
}

function readCondition(raw: unknown): Condition {
  const condition = mapOf(raw);
  const status = condition.get('status');
  return {
    type: textOf(condition.get('type')),
    status: status === 'True' || status === 'False' ? status : 'Unknown',
    reason: textOf(condition.get('reason')),
    message: textOf(condition.get('message')),
  };
}

function readUsage(status: ReadonlyMap<string, unknown>): PoolStatus | null {
  if (!status.has('assignedIPv4')) return null;
  return {
    assignedIPv4: numberOf(status.get('assignedIPv4')),
    assignedIPv6: numberOf(status.get('assignedIPv6')),
    availableIPv4: numberOf(status.get('availableIPv4')),
    availableIPv6: numberOf(status.get('availableIPv6')),
  };
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(isMap(value) ? Object.entries(value) : []);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
