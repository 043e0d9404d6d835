import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';
import type { KubeObject } from '../model/objects.ts';
import type { ObjectIndex } from '../model/store.ts';
import type { HostTable } from '../translate/steps/resolveClaims.ts';
import type { TranslateOptions } from '../translate/translation.ts';

/** What a change is judged against: the objects there are, and what the last translation made of them. */
export interface ReviewContext {
  readonly objects: ObjectIndex;
  readonly options: TranslateOptions;
  /** Who has each host and path, of the last translation; null: nothing was translated yet. */
  readonly hosts: HostTable | null;
}

/** One change that somebody asks the API server for. */
export interface ReviewRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** Group and kind as the API server names them. */
  readonly group: string;
  readonly kind: string;
  /** Not empty: a part of the object only, such as its status. */
  readonly subResource: string;
  /** As it is to be; undefined for DELETE. Any value. */
  readonly object: unknown;
  /** As it was; undefined for CREATE. Any value. */
  readonly oldObject: unknown;
}

/** The verdict on one change. */
export interface Review {
  /** The object that was judged; null: none was. */
  readonly ref: ObjectRef | null;
  readonly allowed: boolean;
  /** Why it is denied; none when it is allowed. */
  readonly problems: readonly Problem[];
  /** What the client should know of a change that is allowed. */
  readonly warnings: readonly Problem[];
}

/** Nothing to say. */
export const ALLOWED: Review = { ref: null, allowed: true, problems: [], warnings: [] };

/** A change whose objects are decoded. */
export interface Change<T extends KubeObject> {
  readonly ref: ObjectRef;
  /** Null: it is deleted, or too faulty to be used. */
  readonly object: T | null;
  /** Null: it is new, or was too faulty to be used. */
  readonly oldObject: T | null;
}

/** Faults of the object as it is to be, and of how it was: what was there before is no reason to deny. */
export interface Findings {
  readonly now: readonly Problem[];
  readonly before: readonly Problem[];
}
