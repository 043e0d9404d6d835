import { isDeepStrictEqual } from 'node:util';
import type { ClaimChange } from './claimTable.ts';
import type { SourceBatch } from '../source.ts';
import type { KubeObject } from '../../model/objects.ts';
import { printRef, type ObjectRef } from '../../../core/ir/objectRef.ts';

type Change =
  | { readonly type: 'upsert' | 'refresh'; readonly object: KubeObject }
  | { readonly type: 'delete'; readonly ref: ObjectRef };

/** What has changed since the last batch; of several changes of an object the last state counts. */
export class ChangeSet {
  /** printed reference → change. */
  readonly #changes = new Map<string, Change>();

  get isEmpty(): boolean {
    return this.#changes.size === 0;
  }

  /** Notes what became of an object. */
  add(ref: ObjectRef, { before, after }: ClaimChange): void {
    if (after === before) return;
    if (after === undefined) this.#changes.set(printRef(ref), { type: 'delete', ref });
    else this.#note(ref, before, after);
  }

  /** Everything so far, which is then forgotten. */
  take(): Required<Pick<SourceBatch, 'upserts' | 'deletes' | 'refreshed'>> {
    const upserts: KubeObject[] = [];
    const refreshed: KubeObject[] = [];
    const deletes: ObjectRef[] = [];
    for (const change of this.#changes.values()) {
      if (change.type === 'delete') deletes.push(change.ref);
      else (change.type === 'upsert' ? upserts : refreshed).push(change.object);
    }
    this.#changes.clear();
    return { upserts, deletes, refreshed };
  }

  #note(ref: ObjectRef, before: KubeObject | undefined, after: KubeObject): void {
    const key = printRef(ref);
    const pending = this.#changes.get(key);
    // Compared with what came last: that itself is on its way if it differs from what downstream has.
    const same = before !== undefined && isTranslatedTheSame(before, after);
    const type = same && (pending === undefined || pending.type === 'refresh') ? 'refresh' : 'upsert';
    this.#changes.set(key, { type, object: after });
  }
}

/**
 * True when two states of an object differ in nothing that was decoded but what only writers look at: the version of the API
 * server, and the status of an Ingress. While a leader writes ten thousand of those, nobody has anything to translate.
 */
function isTranslatedTheSame(one: KubeObject, other: KubeObject): boolean {
  return isDeepStrictEqual(forTranslation(one), forTranslation(other));
}

function forTranslation(object: KubeObject): KubeObject {
  const metadata = { ...object.metadata, resourceVersion: '' };
  return object.kind === 'Ingress' ? { ...object, metadata, statusLoadBalancer: [] } : { ...object, metadata };
}
