import type { PoolStatus } from '../model/addressPool.ts';
import type { Condition, LoadBalancerIngress } from '../model/objectBase.ts';
import { addressesGiven } from './serviceCondition.ts';
import type { StandingStatus } from './standingStatus.ts';
import type { WantedStatus } from './statusWrite.ts';

/** One operation of a JSON Patch (RFC 6902 section 4). */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove' | 'test';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * What makes `standing` say what is wanted, as a JSON Patch; empty when it does already. A JSON Patch rather than a merge patch,
 * because `conditions` is a list that others write too: a merge patch would replace theirs, this names ours by its place.
 * Places hold for one version only, so the patch replaces `metadata.resourceVersion` by the very one that was read: the API server
 * answers 409 when the object has moved on. `nowText` is the time of a transition, RFC 3339.
 */
export function statusPatch(wanted: WantedStatus, standing: StandingStatus, nowText: string): readonly PatchOperation[] {
  const operations = [
    ...ingressOperations(wanted, standing),
    ...usageOperations(wanted, standing),
    ...conditionOperations(wanted, standing, nowText),
  ];
  if (operations.length === 0) return [];
  const version: PatchOperation = { op: 'replace', path: '/metadata/resourceVersion', value: standing.resourceVersion };
  const status: PatchOperation[] = standing.present ? [] : [{ op: 'add', path: '/status', value: {} }];
  return [version, ...status, ...operations];
}

function ingressOperations({ ingress }: WantedStatus, standing: StandingStatus): PatchOperation[] {
  if (ingress === null) return [];
  const entries = ingress.action === 'set' ? ingress.entries : isOurs(standing, ingress.owned) ? [] : standing.ingress;
  if (sameEntries(entries, standing.ingress)) return [];
  const value = entries.length === 0 ? {} : { ingress: entries.map(jsonOfIngress) };
  return [{ op: 'add', path: '/status/loadBalancer', value }];
}

/** True when all that stands there was given by us. */
function isOurs({ ingress, conditions }: StandingStatus, owned: readonly string[]): boolean {
  const ours = new Set([...owned, ...addressesGiven(conditions)]);
  return ingress.every(({ ip, hostname }) => ours.has(ip === '' ? hostname : ip));
}

function jsonOfIngress({ ip, hostname, ipMode, ports }: LoadBalancerIngress): unknown {
  return {
    ...(ip === '' ? {} : { ip }),
    ...(hostname === '' ? {} : { hostname }),
    ...(ipMode === null ? {} : { ipMode }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

function sameEntries(left: readonly LoadBalancerIngress[], right: readonly LoadBalancerIngress[]): boolean {
  return left.length === right.length && left.every((entry, index) => sameEntry(entry, right[index]));
}

/** An entry without `ipMode` means VIP, and API servers from 1.29 on fill that in (KEP-1860). */
function sameEntry(left: LoadBalancerIngress, right: LoadBalancerIngress | undefined): boolean {
  if (right === undefined || left.ip !== right.ip || left.hostname !== right.hostname) return false;
  if ((left.ipMode ?? 'VIP') !== (right.ipMode ?? 'VIP') || left.ports.length !== right.ports.length) return false;
  return left.ports.every(({ port, protocol }, index) => port === right.ports[index]?.port && protocol === right.ports[index]?.protocol);
}

const USAGE_FIELDS = ['assignedIPv4', 'assignedIPv6', 'availableIPv4', 'availableIPv6'] as const satisfies (keyof PoolStatus)[];

function usageOperations({ usage }: WantedStatus, standing: StandingStatus): PatchOperation[] {
  if (usage === null) return [];
  return USAGE_FIELDS.filter((field) => standing.usage?.[field] !== usage[field]).map((field) => ({
    op: 'add',
    path: `/status/${field}`,
    value: usage[field],
  }));
}

function conditionOperations({ condition }: WantedStatus, standing: StandingStatus, nowText: string): PatchOperation[] {
  if (condition === null) return [];
  const place = standing.conditions.findIndex(({ type }) => type === condition.type);
  const path = `/status/conditions/${place}`;
  const test: PatchOperation = { op: 'test', path: `${path}/type`, value: condition.type };
  const old = standing.conditions[place];
  if (condition.action === 'remove') return old === undefined ? [] : [test, { op: 'remove', path }];
  const { type, status, reason, message } = condition;
  const value = { type, status, lastTransitionTime: nowText, reason, message };
  if (old === undefined) {
    const first = standing.conditions.length === 0;
    return [first ? { op: 'add', path: '/status/conditions', value: [value] } : { op: 'add', path: '/status/conditions/-', value }];
  }
  const changes = old.status === status ? wordOperations(path, old, condition) : [{ op: 'replace' as const, path, value }];
  return changes.length === 0 ? [] : [test, ...changes];
}

/** The time of the last transition stays while the status does. */
function wordOperations(path: string, old: Condition, wanted: Condition): PatchOperation[] {
  const fields = (['reason', 'message'] as const).filter((field) => old[field] !== wanted[field]);
  return fields.map((field) => ({ op: 'add', path: `${path}/${field}`, value: wanted[field] }));
}
