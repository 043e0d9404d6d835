import { KubeError, type KubeRequest } from '../cluster/kubeApi.ts';
import { resourcePath, RESOURCES } from '../cluster/resources.ts';
import type { ObjectIndex } from '../model/store.ts';
import type { ServiceStatus } from '../translate/translation.ts';
import { failureOf } from './leaderRequests.ts';
import { lostNodes } from './lostNodeCleanup.ts';
import { createRequestQueue, type RequestQueue, type WorkOutcome } from './requestQueue.ts';
import { planRetry } from './retryPolicy.ts';
import type { TokenRate } from '../../core/time/tokenBucket.ts';
import {
  INSTALLATION_LABEL,
  NODE_LABEL,
  nodeLabelValue,
  readVipStatus,
  vipStatusObject,
  vipStatusText,
  wantedVipStatus,
  type StandingVipStatus,
  type WantedVipStatus,
} from './vipStatus.ts';
import { PairCounter, type WriteOutcome, type WriterCounts } from './writeCounts.ts';
import type { WriterDependencies } from './writerDependencies.ts';

/** What is true on this node after a translation. */
export interface NodeWriterInput {
  readonly objects: ObjectIndex;
  readonly services: readonly ServiceStatus[];
  /** Address, canonical → names of this machine's interfaces that have it. */
  readonly interfaces: ReadonlyMap<string, readonly string[]>;
  /** `namespace/name` of a Service → names of the BGPPeers that this node tells of its addresses. */
  readonly peers: ReadonlyMap<string, readonly string[]>;
}

/** Says in ServiceVIPStatus objects which addresses this node carries. Every node writes its own, leader or not. */
export interface NodeWriter {
  /** Returns at once; only the newest input counts. */
  update(input: NodeWriterInput): void;
  /** Ends; the objects stay: the node carries the addresses until its traffic has drained, and its successor takes them over. */
  stop(): Promise<void>;
  counts(): WriterCounts;
  readonly pending: number;
}

/** Every node writes: client-go's 20 a second, so that a hundred nodes together are no storm. */
const RATE: TokenRate = { burst: 50, refillMs: 50 };
const MAX_IN_FLIGHT = 4;
/** Objects of one page of the list. */
const PAGE_LIMIT = 500;
/** What others have done to our objects, against their purpose, is mended after this (ours). */
const RELIST_MS = 600_000;

/** Work that is no object: reading what this node said in an earlier life. */
const LIST = '';
const RESOURCE = RESOURCES.ServiceVIPStatus;
const KIND = 'ServiceVIPStatus';

/** What it works with; `installation` is the own namespace. */
export type NodeWriterDependencies = Omit<WriterDependencies, 'leadership'> & { readonly installation: string };

/** Makes the writer; nothing is sent before the first input. */
export function createNodeWriter(dependencies: NodeWriterDependencies): NodeWriter {
  return new VipStatusWriter(dependencies);
}

class VipStatusWriter implements NodeWriter {
  readonly #dependencies: NodeWriterDependencies;
  readonly #counter = new PairCounter<string, WriteOutcome>();
  readonly #queue: RequestQueue;
  readonly #failures = new Map<string, number>();
  /** `namespace/name` → what should stand. */
  #wanted: ReadonlyMap<string, WantedVipStatus> = new Map();
  /** `namespace/name` → what stands of this node. */
  #standing = new Map<string, StandingVipStatus>();
  /** Those that the last input had: one that is gone from it was deleted by somebody else. */
  #seen: ReadonlySet<string> = new Set();
  #listedAtMs: number | null = null;
  #serverFailures = 0;

  constructor(dependencies: NodeWriterDependencies) {
    this.#dependencies = dependencies;
    const { clock, schedule } = dependencies;
    const work = (key: string, signal: AbortSignal): Promise<WorkOutcome> => this.#work(key, signal);
    this.#queue = createRequestQueue({ work, mayWork: () => true, maxInFlight: MAX_IN_FLIGHT, rate: RATE, clock, schedule });
  }

  get pending(): number {
    return this.#queue.size;
  }

  counts(): WriterCounts {
    return { writes: this.#counter.list().map(({ first, second, count }) => ({ kind: first, outcome: second, count })), events: [] };
  }

  update(input: NodeWriterInput): void {
    this.#wanted = this.#plan(input);
    this.#noticeDeleted(input.objects);
    const nowMs = this.#dependencies.clock.now();
    if (this.#listedAtMs === null || nowMs - this.#listedAtMs > RELIST_MS) {
      if (!this.#queue.has(LIST)) this.#queue.add(LIST);
      return;
    }
    this.#reviewAll();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  #plan(input: NodeWriterInput): ReadonlyMap<string, WantedVipStatus> {
    const wanted = new Map<string, WantedVipStatus>();
    // The leader deletes what a node says that there is no Node of: writing it would never end.
    if (lostNodes(input.objects)(this.#dependencies.nodeName)) return wanted;
    for (const status of input.services) {
      const service = input.objects.get('Service', status.ref.namespace, status.ref.name);
      if (service === undefined) continue;
      const interfaces = status.addresses.flatMap((address) => input.interfaces.get(address) ?? []);
      const peers = input.peers.get(`${status.ref.namespace}/${status.ref.name}`) ?? [];
      const vip = wantedVipStatus(service, status, { node: this.#dependencies.nodeName, interfaces, peers });
      if (vip !== null) wanted.set(`${vip.namespace}/${vip.name}`, vip);
    }
    return wanted;
  }

  #noticeDeleted(objects: ObjectIndex): void {
    const present = new Map<string, string>();
    for (const { metadata } of objects.list(KIND)) present.set(`${metadata.namespace}/${metadata.name}`, metadata.uid);
    for (const key of this.#seen) if (!present.has(key)) this.#standing.delete(key);
    this.#seen = new Set([...this.#standing].filter(([key, { uid }]) => present.get(key) === uid).map(([key]) => key));
  }

  #reviewAll(): void {
    for (const key of new Set([...this.#wanted.keys(), ...this.#standing.keys()])) {
      if (this.#isDone(key)) this.#queue.delete(key);
      else if (!this.#queue.has(key)) this.#queue.add(key);
    }
  }

  #isDone(key: string): boolean {
    const [wanted, standing] = [this.#wanted.get(key), this.#standing.get(key)];
    if (wanted === undefined || standing === undefined) return wanted === standing;
    return wanted.serviceUid === standing.serviceUid && vipStatusText(wanted.status) === standing.status;
  }

  async #work(key: string, signal: AbortSignal): Promise<WorkOutcome> {
    try {
      await (key === LIST ? this.#list(signal) : this.#bring(key, signal));
      this.#failures.delete(key);
      this.#serverFailures = 0;
      if (key === LIST) this.#reviewAll();
      else if (!this.#isDone(key)) this.#queue.add(key);
      return null;
    } catch (error) {
      const failure = failureOf(error, signal);
      return failure === null ? null : this.#fail(key, failure);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const found = new Map<string, StandingVipStatus>();
    const { nodeName, installation } = this.#dependencies;
    const labelSelector = `${NODE_LABEL}=${nodeLabelValue(nodeName)},${INSTALLATION_LABEL}=${installation}`;
    let next = '';
    do {
      const query = { labelSelector, limit: String(PAGE_LIMIT), ...(next === '' ? {} : { continue: next }) };
      const page = readPage(await this.#dependencies.api.request({ method: 'GET', path: resourcePath(RESOURCE), query, signal }));
      for (const item of page.items) {
        const read = readVipStatus(item);
        if (read !== null) found.set(read.key, read.standing);
      }
      next = page.next;
    } while (next !== '');
    this.#standing = found;
    this.#listedAtMs = this.#dependencies.clock.now();
  }

  async #bring(key: string, signal: AbortSignal): Promise<void> {
    const wanted = this.#wanted.get(key);
    const standing = this.#standing.get(key);
    if (standing !== undefined && wanted?.serviceUid !== standing.serviceUid) {
      await this.#delete(key, standing, signal);
      return;
    }
    if (wanted === undefined) return;
    const { uid } = standing ?? (await this.#create(key, wanted, signal));
    const place = { namespace: wanted.namespace, name: wanted.name, subresource: 'status' } as const;
    // The uid makes sure that it is still the same object (409 otherwise).
    const body = { metadata: { uid }, status: wanted.status };
    await this.#write(key, { method: 'PATCH', patch: 'merge', path: resourcePath(RESOURCE, place), body, signal });
  }

  /** Creates it, or takes the one of that name which is there already. */
  async #create(key: string, wanted: WantedVipStatus, signal: AbortSignal): Promise<StandingVipStatus> {
    const { namespace, name } = wanted;
    try {
      const path = resourcePath(RESOURCE, { namespace });
      return await this.#write(key, { method: 'POST', path, body: vipStatusObject(wanted, this.#dependencies.installation), signal });
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 'conflict') throw error;
      const raw = await this.#dependencies.api.request({ method: 'GET', path: resourcePath(RESOURCE, { namespace, name }), signal });
      const standing = this.#remember(key, raw);
      if (standing.serviceUid === wanted.serviceUid) return standing;
      // That of an earlier Service of the name makes room; the failure is tried again.
      await this.#delete(key, standing, signal);
      throw error;
    }
  }

  async #delete(key: string, { uid }: StandingVipStatus, signal: AbortSignal): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
    try {
      await this.#dependencies.api.request({ method: 'DELETE', path: resourcePath(RESOURCE, { namespace, name }), body, signal });
      this.#counter.add(KIND, 'written');
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 'notFound') throw error;
    }
    this.#standing.delete(key);
  }

  async #write(key: string, request: KubeRequest): Promise<StandingVipStatus> {
    const answer = await this.#dependencies.api.request(request);
    this.#counter.add(KIND, 'written');
    return this.#remember(key, answer);
  }

  #remember(key: string, raw: unknown): StandingVipStatus {
    const read = readVipStatus(raw);
    if (read === null) throw new KubeError('server', 'the answer is no ServiceVIPStatus');
    this.#standing.set(key, read.standing);
    return read.standing;
  }

  #fail(key: string, error: KubeError): WorkOutcome {
    this.#counter.add(KIND, error.code);
    const count = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, count);
    this.#serverFailures += 1;
    if (this.#serverFailures === 1) {
      const fields = { object: key, code: error.code, error: error.message };
      this.#dependencies.logger.warn('cannot write what this node carries; it is tried again', fields);
    }
    // Somebody else has had a hand in it, or the Service's namespace is going: what stands is read anew.
    const stood = (error.code === 'conflict' || error.code === 'notFound') && this.#standing.delete(key);
    const retried = error.code === 'notFound' ? new KubeError(stood ? 'conflict' : 'forbidden', error.message) : error;
    return planRetry(retried, { ofObject: count, ofServer: this.#serverFailures }, this.#dependencies.random());
  }
}

function readPage(raw: unknown): { readonly items: readonly unknown[]; readonly next: string } {
  const list = raw as { readonly items?: unknown; readonly metadata?: { readonly continue?: unknown } } | null;
  const next = list?.metadata?.continue;
  return { items: Array.isArray(list?.items) ? list.items : [], next: typeof next === 'string' ? next : '' };
}
