import { createHash } from 'node:crypto';
import type { EventRecord } from './eventLog.ts';
import type { InvolvedObject } from './eventWish.ts';
import { timeText } from './timeText.ts';

/** `source.component` and `reportingComponent`: what `kubectl describe` prints under From. */
const COMPONENT = 'gatehouse-controller';
/** API: longest name of an object. */
const MAX_NAME_CHARS = 253;

/**
 * Namespace of Events about an object. The API server takes Events of cluster-scoped objects in `default` only
 * (legacyValidateEvent).
 */
export function eventNamespace({ namespace }: Pick<InvolvedObject, 'namespace'>): string {
  return namespace === '' ? 'default' : namespace;
}

/** What makes the name of an Event its own. `sequence`: counts the Events of the process; `random`: 0 to 1, tells processes apart. */
export interface EventNameParts {
  readonly nowMs: number;
  readonly sequence: number;
  readonly random: number;
}

/** Name of a new Event: the object's and a suffix, as client-go's. */
export function eventName({ name }: Pick<InvolvedObject, 'name'>, { nowMs, sequence, random }: EventNameParts): string {
  const suffix = [nowMs, sequence % 0x1_0000, random * 0xffff].map((part) => Math.floor(part).toString(16).padStart(4, '0')).join('');
  const whole = `${name}.${suffix}`;
  if (whole.length <= MAX_NAME_CHARS) return whole;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `gatehouse-${digest}.${suffix}`;
}

/**
 * The Event as core/v1 has it. core/v1 rather than events.k8s.io/v1: both are views of the same objects, but only the fields of
 * core/v1 (count, firstTimestamp, lastTimestamp, source) are printed right by every `kubectl describe` from 1.20 to 1.36, and
 * events.k8s.io/v1 forbids to set them.
 */
export function eventObject({ wish, name, count, firstMs, lastMs }: EventRecord, nodeName: string): unknown {
  const { object, type, reason, message } = wish;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: eventNamespace(object) },
    involvedObject: { ...object },
    reason,
    message,
    type,
    source: { component: COMPONENT, host: nodeName },
    reportingComponent: COMPONENT,
    reportingInstance: nodeName,
    count,
    firstTimestamp: timeText(firstMs),
    lastTimestamp: timeText(lastMs),
  };
}

/** Merge patch that counts an Event up. */
export function eventCountPatch({ count, lastMs }: EventRecord): unknown {
  return { count, lastTimestamp: timeText(lastMs) };
}
