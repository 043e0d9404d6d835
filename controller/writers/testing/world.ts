import assert from 'node:assert/strict';
import type { Problem } from '../../../core/ir/problem.ts';
import { silentLogger, type Logger } from '../../../core/log/logger.ts';
import { decodeObject } from '../../decode/decodeObject.ts';
import type { Leadership } from '../../election/leadership.ts';
import { ObjectStore } from '../../model/store.ts';
import type { ServiceStatus } from '../../translate/translation.ts';
import { createStatusWriter, type StatusWriter } from '../statusWriter.ts';
import type { WriterInput } from '../writerInput.ts';
import { createManualTime, type ManualTime } from './manualTime.ts';
import { SimulatedApi, type RawObject } from './simulatedApi.ts';

/** For tests: leadership that is given and taken. */
export interface ManualLeadership extends Leadership {
  set(leading: boolean, options?: { readonly quietly: boolean }): void;
}

/** For tests: the writer, the API server it speaks to, and time. */
export interface World {
  readonly api: SimulatedApi;
  readonly time: ManualTime;
  readonly leadership: ManualLeadership;
  readonly writer: StatusWriter;
  /** What was logged. */
  readonly lines: readonly string[];
  /** Reads all objects anew, hands them over with the facts, and lets a second pass. */
  readonly tell: (facts?: Partial<WriterInput>) => Promise<void>;
  /** Requests but those of Events, since the last call. */
  readonly taken: () => string[];
}

/** For tests: a world with this leader. */
export function createWorld({ leading = true } = {}): World {
  const api = new SimulatedApi();
  const time = createManualTime();
  const leadership = createLeadership(leading);
  const lines: string[] = [];
  const write = (message: string, fields: unknown = {}): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { ...silentLogger, warn: write, error: write };
  const { clock, schedule, wallClock } = time;
  const writer = createStatusWriter({ api, leadership, nodeName: 'node-1', clock, wallClock, random: () => 0.5, schedule, logger });
  let seen = 0;
  return {
    api,
    time,
    leadership,
    writer,
    lines,
    tell: async (facts = {}) => {
      writer.update(inputOf(api, facts));
      await time.advance(1_000);
    },
    taken: () => {
      const fresh = api.log.slice(seen).filter((line) => !line.includes('/events'));
      seen = api.log.length;
      return fresh;
    },
  };
}

/** For tests: the input that the objects of the API server and these facts make. */
export function inputOf(api: SimulatedApi, facts: Partial<WriterInput>): WriterInput {
  const objects = new ObjectStore();
  const upserts = [...api.objects.values()].map((raw) => decodeObject(raw, null).object).filter((object) => object !== null);
  objects.apply({ upserts, deletes: [] });
  const nothing = { services: [], ingresses: [], ingressAddresses: [], pools: [], problems: [], refusals: [], assignmentChanges: [], vipOwners: null };
  return { objects, ...nothing, ipModeOf: () => 'VIP', ...facts };
}

/** For tests: a Service of type LoadBalancer with port TCP/80. */
export function putService(
  api: SimulatedApi,
  name: string,
  { spec = {}, status = { loadBalancer: {} } }: { readonly spec?: object; readonly status?: object } = {},
): RawObject {
  return api.put(servicePath(name), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], ...spec },
    status,
  });
}

/** For tests: where that Service is. */
export function servicePath(name: string): string {
  return `/api/v1/namespaces/shop/services/${name}`;
}

/** For tests: what translation says of that Service. */
export function serviceStatus(name: string, addresses: readonly string[], more: Partial<ServiceStatus> = {}): ServiceStatus {
  const ref = { kind: 'Service', namespace: 'shop', name };
  return { ref, ours: true, addresses, pool: addresses.length > 0 ? 'lan' : null, forwarding: 'proxy', reason: '', ports: [], ...more };
}

/** For tests: a problem of an object of namespace shop. */
export function problem(kind: string, name: string, more: Partial<Problem> = {}): Problem {
  const object = { kind, namespace: 'shop', name };
  return { severity: 'error', object, position: null, field: 'spec.x', rule: 'must be right', value: '"wrong"', effect: 'it is left out', ...more };
}

/** For tests: `status` of the object at a path. */
export function statusAt(api: SimulatedApi, path: string): Readonly<Record<string, unknown>> {
  const { status } = api.at(path);
  assert.ok(typeof status === 'object' && status !== null);
  return status as Readonly<Record<string, unknown>>;
}

function createLeadership(initial: boolean): ManualLeadership {
  let leading = initial;
  const listeners = new Set<() => void>();
  return {
    isLeader: () => leading,
    holder: () => (leading ? 'me' : 'another'),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: (next, { quietly } = { quietly: false }) => {
      leading = next;
      if (!quietly) for (const listener of listeners) listener();
    },
  };
}
