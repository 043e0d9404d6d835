import type { KubeObject } from '../model/objects.ts';
import type { ObjectRef } from '../../core/ir/objectRef.ts';
import type { Problem } from '../../core/ir/problem.ts';

/** Everything that changed in a source since its last batch. */
export interface SourceBatch {
  /** New and changed objects, decoded. */
  readonly upserts: readonly KubeObject[];
  readonly deletes: readonly ObjectRef[];
  /** Newer versions of objects in which nothing differs that Gatehouse reads but `metadata.resourceVersion`. Absent: none. */
  readonly refreshed?: readonly KubeObject[];
  /** All that is wrong in this source as of now (not only what is new): unreadable text, undecodable objects. */
  readonly problems: readonly Problem[];
}

/**
 * Where Kubernetes objects come from. Nothing downstream knows which kind of source it has. `start` delivers everything
 * there is in one first batch before it resolves, later changes in batches of their own; calls never overlap.
 * An object that can no longer be read keeps its last good form (it is not deleted) and is reported as a problem.
 */
export interface Source {
  start(onBatch: (batch: SourceBatch) => void): Promise<void>;
  stop(): Promise<void>;
  /**
   * For sources that read some kinds (Secrets, ConfigMaps) only by name: all objects of those kinds that are referred to now.
   * Those not named any more are deleted in a batch. Null when every one of them is known already, be it as absent; else
   * resolves once they are, or once it is clear that the source cannot say now. Absent: the source delivers every object anyway.
   */
  want?(refs: readonly ObjectRef[]): Promise<void> | null;
}
