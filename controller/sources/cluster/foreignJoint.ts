import { isDeepStrictEqual } from 'node:util';
import type { FollowedKind } from './clusterKind.ts';
import { decodeSafely, type Held, type HeldListener } from './heldObjects.ts';
import { identifyRaw, prepareRaw } from './rawObject.ts';
import type { Decoded } from '../../decode/decodeObject.ts';
import { refOf, type KubeObject } from '../../model/objects.ts';
import { printRef } from '../../../core/ir/objectRef.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** How objects of several kinds are understood together. */
export interface JointForm {
  /** Whose they are, for problems: a group. */
  readonly label: string;
  /** All values there are to all objects they mean. Never throws. */
  readonly decode: (values: readonly unknown[]) => readonly Decoded[];
}

/** A kind whose objects mean something only together with those of all kinds of the same form. */
export interface JointKind extends FollowedKind {
  readonly joint: JointForm;
}

/** All are decoded anew when one changes, so their number is bounded. Ours: more than any product was seen with. */
const MAX_VALUES = 1_000;

/** The objects of all kinds of one form: what the API server sent, as far as it is read, and what was made of it. */
export class ForeignJoint {
  readonly #form: JointForm;
  readonly #rank: number;
  readonly #listener: HeldListener;
  readonly #parts: ForeignPart[] = [];
  /** printed reference → object. */
  #objects: ReadonlyMap<string, KubeObject> = new Map();
  #problems: readonly Problem[] = [];

  constructor(form: JointForm, rank: number, listener: HeldListener) {
    this.#form = form;
    this.#rank = rank;
    this.#listener = listener;
  }

  /** Holds the objects of one of the kinds; the first part of all speaks for the problems of all. */
  part(kind: FollowedKind): Held {
    const isFirst = this.#parts.length === 0;
    const part = new ForeignPart(kind, () => this.#refresh(), () => (isFirst ? this.#problems : []));
    this.#parts.push(part);
    return part;
  }

  #refresh(): void {
    const values = this.#parts.flatMap((part) => part.values());
    const decoded = decodeSafely(this.#form.label, () => this.#form.decode(values.slice(0, MAX_VALUES)));
    const objects = new Map<string, KubeObject>();
    const problems = decoded.flatMap((one) => one.problems);
    if (values.length > MAX_VALUES) problems.push(tooMany(this.#form.label, values.length));
    for (const { object, key } of decoded.flatMap((one) => this.#current(one))) {
      if (objects.has(key)) problems.push(definedTwice(object));
      else objects.set(key, object);
    }
    this.#keepUnnamed(decoded, objects);
    this.#announce(objects);
    if (problems.length > 0 || this.#problems.length > 0) this.#listener.onProblems();
    this.#problems = problems;
  }

  /** The object, or, when it is faulty, its last good form. The same as before stays the same. */
  #current({ object, ref }: Decoded): { readonly object: KubeObject; readonly key: string }[] {
    if (ref === null) return [];
    const key = printRef(ref);
    const before = this.#objects.get(key);
    if (object !== null) return [{ key, object: before !== undefined && isDeepStrictEqual(before, object) ? before : object }];
    return before === undefined ? [] : [{ key, object: before }];
  }

  /** A fault that does not say whose it is may be that of any object there was. */
  #keepUnnamed(decoded: readonly Decoded[], objects: Map<string, KubeObject>): void {
    if (!decoded.some(({ ref, problems }) => ref === null && problems.some(isError))) return;
    for (const [key, object] of this.#objects) if (!objects.has(key)) objects.set(key, object);
  }

  #announce(after: ReadonlyMap<string, KubeObject>): void {
    const before = this.#objects;
    this.#objects = after;
    const tell = (key: string, object: KubeObject): void => {
      const claimant = { rank: this.#rank, name: `${this.#form.label} ${key}` };
      this.#listener.onChange(refOf(object), claimant, { before: before.get(key), after: after.get(key) });
    };
    for (const [key, object] of before) if (!after.has(key)) tell(key, object);
    for (const [key, object] of after) if (before.get(key) !== object) tell(key, object);
  }
}

/** What there is of one of the kinds. */
class ForeignPart implements Held {
  readonly #kind: FollowedKind;
  readonly #onChange: () => void;
  readonly problems: () => readonly Problem[];
  /** `namespace/name` → what is read of it. */
  readonly #values = new Map<string, unknown>();
  /** Of the list that runs; null: none does. */
  #seen: Set<string> | null = null;
  #changed = false;

  constructor(kind: FollowedKind, onChange: () => void, problems: () => readonly Problem[]) {
    this.#kind = kind;
    this.#onChange = onChange;
    this.problems = problems;
  }

  get size(): number {
    return this.#values.size;
  }

  /** In an order that does not depend on how they came. */
  values(): readonly unknown[] {
    return [...this.#values].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);
  }

  begin(): void {
    this.#seen = new Set();
  }

  complete(): void {
    const seen = this.#seen;
    this.#seen = null;
    for (const key of this.#values.keys()) if (seen?.has(key) === false) this.#changed = this.#values.delete(key);
    this.#tell();
  }

  clear(): void {
    if (this.#values.size === 0) return;
    this.#values.clear();
    this.#changed = false;
    this.#onChange();
  }

  upsert(value: unknown): boolean {
    const raw = identifyRaw(value);
    if (raw === null) return false;
    this.#seen?.add(raw.key);
    const read = whatIsRead(prepareRaw(raw, this.#kind));
    if (isDeepStrictEqual(this.#values.get(raw.key), read)) return true;
    this.#values.set(raw.key, read);
    this.#changed = true;
    this.#tell();
    return true;
  }

  remove(value: unknown): boolean {
    const raw = identifyRaw(value);
    if (raw !== null && this.#values.delete(raw.key)) this.#changed = true;
    this.#tell();
    return raw !== null;
  }

  /** While a list runs it waits for its end, lest every object of it has all others decoded. */
  #tell(): void {
    if (!this.#changed || this.#seen !== null) return;
    this.#changed = false;
    this.#onChange();
  }
}

/** Without what the other product writes time and again, and nobody here looks at. */
function whatIsRead(prepared: Readonly<Record<string, unknown>>): unknown {
  const { status: _status, metadata, ...rest } = prepared;
  const { resourceVersion: _version, generation: _generation, ...kept } = metadata as Record<string, unknown>;
  return { ...rest, metadata: kept };
}

function isError({ severity }: Problem): boolean {
  return severity === 'error';
}

function definedTwice(object: KubeObject): Problem {
  return { severity: 'error', object: refOf(object), position: null, field: '', rule: 'must be defined once', value: object.metadata.name, effect: 'the first definition counts' };
}

function tooMany(label: string, count: number): Problem {
  return {
    severity: 'error',
    object: null,
    position: null,
    field: '',
    rule: `there must be at most ${MAX_VALUES} objects of ${label} that are understood together`,
    value: String(count),
    effect: 'those that come last by namespace and name are ignored',
  };
}
