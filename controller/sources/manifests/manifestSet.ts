import { isDeepStrictEqual } from 'node:util';
import { contentProblems, type ManifestContent, type ManifestEntry } from './manifestContent.ts';
import type { ManifestOrigin } from './manifestDocument.ts';
import type { SourceBatch } from '../source.ts';
import type { KubeObject } from '../../model/objects.ts';
import { printRef, type ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** One file as it is served: its last good content, and what is wrong with what stands there now. */
export interface ManifestFile {
  readonly path: string;
  readonly content: ManifestContent;
  /** Null when the content is what stands in the file. */
  readonly problem: Problem | null;
}

/** An object that downstream has. */
interface Served {
  readonly object: KubeObject;
  readonly ref: ObjectRef;
  readonly origin: ManifestOrigin;
  /** Where it was found last: the same entry need not be compared again. */
  readonly entry: ManifestEntry;
  readonly file: string;
}

/** The objects of all files together, and what of them downstream has already. */
export class ManifestSet {
  /** printed reference → object. */
  readonly #served = new Map<string, Served>();

  /** Takes the files as they are now, in path order, and says what that changes. */
  update(files: readonly ManifestFile[]): SourceBatch {
    const upserts: KubeObject[] = [];
    const problems: Problem[] = [];
    /** printed reference → the entry that has it. */
    const claimed = new Map<string, ManifestEntry>();
    for (const file of files) {
      if (file.problem !== null) problems.push(file.problem);
      problems.push(...contentProblems(file.content));
      for (const entry of entriesOf(file)) {
        const { ref } = entry.decoded;
        if (ref === null) continue;
        const key = printRef(ref);
        const first = claimed.get(key);
        if (first !== undefined) {
          problems.push(duplicateProblem(ref, entry.origin, first.origin));
          continue;
        }
        claimed.set(key, entry);
        const changed = this.#serve(key, entry, file.path);
        if (changed !== null) upserts.push(changed);
      }
    }
    return { upserts, deletes: this.#dropUnclaimed(claimed, files), problems };
  }

  /** The object when downstream does not have it in this form yet. An unusable one leaves its last good form. */
  #serve(key: string, entry: ManifestEntry, file: string): KubeObject | null {
    const { object, ref } = entry.decoded;
    const served = this.#served.get(key);
    if (served?.entry === entry) return null;
    if (ref === null || object === null) {
      if (served !== undefined) this.#served.set(key, { ...served, entry, file });
      return null;
    }
    if (served === undefined || !isSameObject(served.object, object)) {
      this.#served.set(key, { object, ref, origin: entry.origin, entry, file });
      return object;
    }
    served.origin.follow(entry.origin);
    this.#served.set(key, { ...served, entry, file });
    return null;
  }

  #dropUnclaimed(claimed: ReadonlyMap<string, unknown>, files: readonly ManifestFile[]): ObjectRef[] {
    const holding = new Set(files.filter(holdsUnidentified).map((file) => file.path));
    const deletes: ObjectRef[] = [];
    for (const [key, served] of this.#served) {
      if (claimed.has(key) || holding.has(served.file)) continue;
      this.#served.delete(key);
      deletes.push(served.ref);
    }
    return deletes;
  }
}

/**
 * True when a file holds something that does not say which object it is: it may be any of those that the file held
 * before, so none of them is deleted until that is mended.
 */
function holdsUnidentified(file: ManifestFile): boolean {
  return [...entriesOf(file)].some(({ decoded }) => decoded.ref === null && decoded.problems.length > 0);
}

function* entriesOf(file: ManifestFile): Generator<ManifestEntry> {
  for (const decoded of file.content) yield* decoded.entries;
}

function isSameObject(before: KubeObject, after: KubeObject): boolean {
  return isDeepStrictEqual({ ...before, origin: null }, { ...after, origin: null });
}

function duplicateProblem(ref: ObjectRef, origin: ManifestOrigin, first: ManifestOrigin): Problem {
  const { file, line } = first.position;
  return {
    severity: 'error',
    object: ref,
    position: origin.position,
    field: '',
    rule: `must be defined once; ${file}:${line} defines it already`,
    value: '',
    effect: 'this copy is ignored',
  };
}
