import type { ObjectIndex } from '../model/store.ts';
import type { ServiceStatus } from '../translate/translation.ts';
import type { VipOwner, WriterInput } from './writerInput.ts';

/** An address of a Service that some node, or all of them together, has begun to answer for. */
export interface OwnerMove {
  readonly address: string;
  /** Who answered before; null: nobody, or nobody knows. */
  readonly from: string | null;
  /** Null: all nodes that may share it, each for its own clients. */
  readonly to: string | null;
  /** Why, in words for people. */
  readonly reason: string;
}

/** What is to be told of one Service. */
export interface OwnerNews {
  readonly service: ServiceStatus['ref'];
  readonly uid: string;
  /** Its other addresses, if any, are answered for as before. */
  readonly others: boolean;
  readonly moves: readonly OwnerMove[];
}

interface Pending {
  readonly news: OwnerNews;
  readonly sinceMs: number;
}

/**
 * Ours: longer than it takes until another process leads once a leader is lost (17.4 s). The node that dies is often both leader
 * and owner, and then its successor tells what it has seen before it led.
 */
const UNTOLD_MS = 20_000;
/** Ours: while nobody leads, what one process remembers. */
const MAX_UNTOLD = 1000;

/**
 * Remembers who answers for each address, and finds out when that changes. It follows whether this process leads or not.
 *
 * A start is no news: of a Service that is there at the first look, a node that has said in a ServiceVIPStatus that it carries the
 * Service was its owner before. An owner that is lost for a moment, as while an announcer starts, and comes back is none either.
 */
export class OwnerWatch {
  /** uid of a Service that was there at the first look → nodes that said that they carry it; null: there was no look yet. */
  #before: ReadonlyMap<string, ReadonlySet<string>> | null = null;
  /** uid of a Service and address → node that answers; null: it is shared. */
  #owners: ReadonlyMap<string, string | null> = new Map();
  #untold: readonly Pending[] = [];

  /** Takes in what is so now; `nowMs` is of a monotonic clock. */
  follow({ objects, services, vipOwners }: Pick<WriterInput, 'objects' | 'services' | 'vipOwners'>, nowMs: number): void {
    this.#before ??= nodesByService(objects, services);
    const owners = new Map<string, string | null>();
    const fresh = this.#untold.filter(({ sinceMs }) => nowMs - sinceMs <= UNTOLD_MS);
    for (const { ref, addresses } of services) {
      const uid = objects.get('Service', ref.namespace, ref.name)?.metadata.uid ?? '';
      if (uid === '') continue;
      const moves = addresses.flatMap((address) => this.#judge({ uid, address }, vipOwners, owners) ?? []);
      if (moves.length > 0) fresh.push({ news: { service: ref, uid, others: moves.length < addresses.length, moves }, sinceMs: nowMs });
    }
    this.#owners = owners;
    this.#untold = fresh.slice(-MAX_UNTOLD);
  }

  /** What has not been told yet, oldest first; it counts as told from now on. */
  take(): readonly OwnerNews[] {
    const news = this.#untold.map((pending) => pending.news);
    this.#untold = [];
    return news;
  }

  /** Null: nothing to tell. Who answers now is remembered in `owners`. */
  #judge(
    { uid, address }: { readonly uid: string; readonly address: string },
    vipOwners: WriterInput['vipOwners'],
    owners: Map<string, string | null>,
  ): OwnerMove | null {
    const key = `${uid} ${address}`;
    const last = this.#owners.get(key);
    const now = vipOwners?.get(address);
    // Announced no more: should it be again, that is news. While nothing is known everything is as it was.
    if (vipOwners !== null && now === undefined) return null;
    const to = now === undefined ? undefined : answering(now);
    if (to === undefined) {
      if (last !== undefined) owners.set(key, last);
      return null;
    }
    owners.set(key, to);
    if (last === to) return null;
    if (last === undefined && this.#wasCarriedBy(uid, to)) return null;
    return { address, from: last ?? null, to, reason: now?.reason ?? '' };
  }

  #wasCarriedBy(uid: string, node: string | null): boolean {
    const nodes = this.#before?.get(uid);
    if (nodes === undefined) return false;
    return node === null ? nodes.size > 0 : nodes.has(node);
  }
}

/** Null: shared; undefined: nobody answers. */
function answering({ owner, sharers }: VipOwner): string | null | undefined {
  if (owner !== null) return owner;
  return sharers.length > 0 ? null : undefined;
}

function nodesByService(objects: ObjectIndex, services: readonly ServiceStatus[]): ReadonlyMap<string, ReadonlySet<string>> {
  const byName = new Map<string, Set<string>>();
  for (const { node, service } of objects.list('ServiceVIPStatus')) {
    const name = `${service.namespace}/${service.name}`;
    byName.set(name, (byName.get(name) ?? new Set()).add(node));
  }
  const byUid = new Map<string, ReadonlySet<string>>();
  for (const { ref } of services) {
    const uid = objects.get('Service', ref.namespace, ref.name)?.metadata.uid ?? '';
    const nodes = byName.get(`${ref.namespace}/${ref.name}`);
    if (uid !== '' && nodes !== undefined) byUid.set(uid, nodes);
  }
  return byUid;
}
