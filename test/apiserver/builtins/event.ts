import { forbiddenField, invalidValue, notSupported, required, type FieldError } from '../fieldError.ts';
import { at, record, scalar, text, type KubeObject } from '../json.ts';
import type { Column, ResourceType } from '../resourceType.ts';
import { rootSchema } from '../schema/schema.ts';
import { age, column } from '../tables/columns.ts';
import { define } from './define.ts';
import { integer, object, objectReference, string, time } from './shapes.ts';

const source = object({ component: string, host: string });

const coreSchema = object({
  involvedObject: objectReference, reason: string, message: string, source, firstTimestamp: time, lastTimestamp: time, count: integer, type: string,
  eventTime: string, series: object({ count: integer, lastObservedTime: string }), action: string, related: objectReference,
  reportingComponent: { ...string, default: '' }, reportingInstance: { ...string, default: '' },
});

const eventsSchema = object({
  regarding: objectReference, reason: string, note: string, type: string, eventTime: string, action: string, related: objectReference,
  series: object({ count: integer, lastObservedTime: string }), reportingController: string, reportingInstance: string,
  deprecatedSource: source, deprecatedFirstTimestamp: time, deprecatedLastTimestamp: time, deprecatedCount: integer,
});

/** Field of core/v1 → field of events.k8s.io/v1, where they are not the same. */
const RENAMED: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'], ['message', 'note'], ['reportingComponent', 'reportingController'], ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'], ['lastTimestamp', 'deprecatedLastTimestamp'], ['count', 'deprecatedCount'],
];

function renamed(event: KubeObject, apiVersion: string, names: ReadonlyMap<string, string>): KubeObject {
  const entries = Object.entries(event).map(([field, value]) => [names.get(field) ?? field, value]);
  return { ...(Object.fromEntries(entries) as KubeObject), apiVersion };
}

const toEvents = new Map(RENAMED);
const toCore = new Map(RENAMED.map(([core, events]) => [events, core]));

const TYPES = ['Normal', 'Warning'];

function coreErrors(event: KubeObject, old: KubeObject | null): FieldError[] {
  const involved = record(event['involvedObject']);
  const [namespace, of] = [text(event.metadata.namespace), text(involved['namespace'])];
  const errors: FieldError[] = [];
  if (of === '' ? namespace !== 'default' && namespace !== 'kube-system' && namespace !== '' : of !== namespace) {
    errors.push(invalidValue('involvedObject.namespace', of, 'does not match event.namespace'));
  }
  // An eventTime makes it an Event of the newer kind, with the newer kind's rules.
  if (text(event['eventTime']) === '') return errors;
  return [...errors, ...newErrors(event, old)];
}

function newErrors(event: KubeObject, old: KubeObject | null): FieldError[] {
  const errors: FieldError[] = [];
  const [controller, instance, action, reason] = ['reportingComponent', 'reportingInstance', 'action', 'reason'].map((field) => text(event[field]));
  if (controller === '') errors.push(required('reportingController'));
  if (instance === '') errors.push(required('reportingInstance'));
  else if ((instance ?? '').length > 128) errors.push(invalidValue('reportingInstance', '', 'can have at most 128 characters'));
  if (action === '') errors.push(required('action'));
  else if ((action ?? '').length > 128) errors.push(invalidValue('action', '', 'can have at most 128 characters'));
  if (reason === '') errors.push(required('reason'));
  else if ((reason ?? '').length > 128) errors.push(invalidValue('reason', '', 'can have at most 128 characters'));
  if (text(event['message']).length > 1024) errors.push(invalidValue('message', '', 'can have at most 1024 characters'));
  if (!TYPES.includes(text(event['type']))) errors.push(event['type'] === undefined ? invalidValue('type', '', 'has invalid value: ') : notSupported('type', event['type'], TYPES));
  for (const field of ['involvedObject', 'reason', 'reportingComponent', 'action', 'eventTime']) {
    if (old !== null && JSON.stringify(old[field]) !== JSON.stringify(event[field])) errors.push(forbiddenField(field, 'field is immutable'));
  }
  return errors;
}

const columns: readonly Column[] = [
  column('Last Seen', (event, nowMs) => age(text(at(event, 'series', 'lastObservedTime')) || event['lastTimestamp'] || event['eventTime'] || event.metadata.creationTimestamp, nowMs)),
  column('Type', (event) => text(event['type'])), column('Reason', (event) => text(event['reason'])),
  column('Object', (event) => `${text(at(event, 'involvedObject', 'kind')).toLowerCase()}/${text(at(event, 'involvedObject', 'name'))}`),
  column('Source', (event) => text(at(event, 'source', 'component')) || text(event['reportingComponent']), { priority: 1 }),
  column('Message', (event) => text(event['message']).trim()),
  column('Count', (event) => scalar(event['count'] ?? at(event, 'series', 'count') ?? 1), { priority: 1 }),
  column('Name', ({ metadata }) => metadata.name, { priority: 1 }),
];

const involved = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** Events, in both groups; they are stored once, as core/v1. */
export const EVENTS: readonly ResourceType[] = [
  define({
    kind: 'Event', plural: 'events', shortNames: ['ev'], schema: coreSchema, columns, createOnUpdate: true, strategy: { validate: coreErrors },
    selectable: [...involved.map((field) => `involvedObject.${field}`), 'reason', 'reportingComponent', 'source', 'type'],
  }),
  define({
    group: 'events.k8s.io', kind: 'Event', plural: 'events', shortNames: ['ev'], table: '/events', createOnUpdate: true,
    strategy: { validate: (event, old) => (text(event['eventTime']) === '' ? [required('eventTime')] : coreErrors(event, old)) },
    versions: [{
      name: 'v1', served: true, schema: rootSchema(eventsSchema),
      columns: columns.map((one) => ({ ...one, cell: (event: KubeObject, nowMs: number) => one.cell(renamed(event, 'v1', toCore), nowMs) })),
      fromStored: (stored) => renamed(stored, 'events.k8s.io/v1', toEvents),
      toStored: (event) => renamed({ ...event, reportingInstance: event['reportingInstance'] ?? '' }, 'v1', toCore),
    }],
  }),
];
