import type { ClaimChange, Claimant } from './claimTable.ts';
import type { ClusterKind } from './clusterKind.ts';
import type { ReflectorSink } from './reflector.ts';
import { identifyRaw, prepareRaw, type RawIdentity } from './rawObject.ts';
import type { Decoded } from '../../decode/decodeObject.ts';
import { refOf, type KubeObject } from '../../model/objects.ts';
import { printRef, type ObjectRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** Where changes of held objects go. */
export interface HeldListener {
  /** An own object changed, seen from this collection. */
  onChange(ref: ObjectRef, claimant: Claimant, change: ClaimChange): void;
  /** The list of problems is another. */
  onProblems(): void;
}

/** Holds the objects of a collection and what is wrong with them. */
export interface Held extends ReflectorSink {
  problems(): Iterable<Problem>;
}

/** One object of the API server: what was made of it. */
interface Entry {
  readonly resourceVersion: string;
  readonly objects: readonly KubeObject[];
  readonly problems: readonly Problem[];
}

const NONE: readonly never[] = [];
const ABSENT: Entry = { resourceVersion: '', objects: NONE, problems: NONE };

/** The objects of one collection, decoded; what the API server sent is not kept. */
export class HeldObjects implements Held {
  readonly #kind: ClusterKind;
  readonly #rank: number;
  readonly #listener: HeldListener;
  /** `namespace/name` in the API server → what was made of it. */
  readonly #entries = new Map<string, Entry>();
  /** Entries that have problems. */
  readonly #faulty = new Set<string>();
  /** Of the list that runs; null: none does. */
  #seen: Set<string> | null = null;

  constructor(kind: ClusterKind, rank: number, listener: HeldListener) {
    this.#kind = kind;
    this.#rank = rank;
    this.#listener = listener;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A list begins. */
  begin(): void {
    this.#seen = new Set();
  }

  /** The list is complete: what it did not show is gone. */
  complete(): void {
    const seen = this.#seen;
    if (seen === null) return;
    for (const key of this.#entries.keys()) if (!seen.has(key)) this.#drop(key);
    this.#seen = null;
  }

  /** Nothing is there. */
  clear(): void {
    for (const key of this.#entries.keys()) this.#drop(key);
  }

  /** An object as the API server sent it, new, changed or the same. False when it does not say which object it is. */
  upsert(value: unknown): boolean {
    const raw = identifyRaw(value);
    if (raw === null) return false;
    this.#seen?.add(raw.key);
    const before = this.#entries.get(raw.key) ?? ABSENT;
    if (raw.resourceVersion === '' || raw.resourceVersion !== before.resourceVersion) this.#replace(raw, before);
    return true;
  }

  /** An object is gone. False when the value does not say which. */
  remove(value: unknown): boolean {
    const raw = identifyRaw(value);
    if (raw !== null) this.#drop(raw.key);
    return raw !== null;
  }

  /** Of all objects, as of now. */
  *problems(): Generator<Problem> {
    for (const key of this.#faulty) yield* this.#entries.get(key)?.problems ?? NONE;
  }

  #replace(raw: RawIdentity, before: Entry): void {
    const decoded = decodeSafely(this.#kind.label, () => this.#kind.decode(prepareRaw(raw, this.#kind)));
    const objects = currentObjects(decoded, before.objects);
    const problems = decoded.flatMap((one) => one.problems);
    this.#set(raw.key, before, { resourceVersion: raw.resourceVersion, objects, problems });
  }

  #drop(key: string): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#set(key, before, null);
  }

  #set(key: string, before: Entry, after: Entry | null): void {
    if (after === null) this.#entries.delete(key);
    else this.#entries.set(key, after);
    const hasProblems = (after?.problems ?? NONE).length > 0;
    if (hasProblems) this.#faulty.add(key);
    else this.#faulty.delete(key);
    if (hasProblems || before.problems.length > 0) this.#listener.onProblems();
    this.#announce(key, before.objects, after?.objects ?? NONE);
  }

  #announce(key: string, before: readonly KubeObject[], after: readonly KubeObject[]): void {
    const claimant = { rank: this.#rank, name: `${this.#kind.label} ${key.startsWith('/') ? key.slice(1) : key}` };
    for (const old of before) {
      if (after.some((object) => isSameIdentity(object, old))) continue;
      this.#listener.onChange(refOf(old), claimant, { before: old, after: undefined });
    }
    for (const object of after) {
      const old = before.find((candidate) => isSameIdentity(candidate, object));
      this.#listener.onChange(refOf(object), claimant, { before: old, after: object });
    }
  }
}

/** The decoded objects; in place of those that could not be decoded their last good form. */
function currentObjects(decoded: readonly Decoded[], before: readonly KubeObject[]): readonly KubeObject[] {
  // Something that does not say which object it is may be any of those that were there.
  if (decoded.some(({ ref, problems }) => ref === null && problems.length > 0)) {
    const objects = decoded.flatMap(({ object }) => object ?? []);
    return [...objects, ...before.filter((old) => !objects.some((object) => isSameIdentity(object, old)))];
  }
  return decoded.flatMap(({ object, ref }) => {
    if (object !== null) return [object];
    const old = ref === null ? undefined : before.find((candidate) => printRef(refOf(candidate)) === printRef(ref));
    return old ?? [];
  });
}

function isSameIdentity(one: KubeObject, other: KubeObject): boolean {
  const { kind, metadata } = one;
  return kind === other.kind && metadata.name === other.metadata.name && metadata.namespace === other.metadata.namespace;
}

/** A decoder that throws is a fault of ours; it must cost this object and not the following of all others. */
export function decodeSafely(label: string, decode: () => readonly Decoded[]): readonly Decoded[] {
  try {
    return decode();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return [{ object: null, ref: null, problems: [decoderFault(label, text)] }];
  }
}

function decoderFault(label: string, text: string): Problem {
  return {
    severity: 'error',
    object: null,
    position: null,
    field: '',
    rule: `an object of kind ${label} could not be decoded: ${text.slice(0, 200)}; a fault of Gatehouse, please report it`,
    value: '',
    effect: 'a last good form of it stays in use',
  };
}
