import { entryOf, isPlainMap, type PlainMap } from './plainMap.ts';
import type { Fault, ProblemCollector } from './problemCollector.ts';
import { ANY_TEXT, textFault, type TextForm } from './textForm.ts';

/** The element of an object that is lost when one of its fields is faulty: a path, an endpoint, the whole object. */
interface Element {
  /** What is lost, in words: `the path is left out`. */
  readonly effect: string;
  /** Of its faults that name no severity of their own; absent: error. */
  readonly severity?: 'warning';
  failed: boolean;
}

/** How many entries a list may have, and what becomes of a faulty one. */
export interface ListBounds {
  readonly max: number;
  /** What happens to one faulty entry: `the host is left out`. */
  readonly effect: string;
}

/** The forms that keys and values of a map of texts must have. */
export interface MapForms {
  readonly key: TextForm;
  readonly value: TextForm;
}

/** Entries of any list or map that has no bound of its own in the API (ours). */
export const MAX_ENTRIES = 10_000;

/** Most objects have no annotations, and tens of thousands of empty maps take room: 200 octets each. */
const NO_TEXTS: ReadonlyMap<string, string> = new Map();

/**
 * Reads the fields of one parsed map and states what is wrong with them. A missing field reads as null. A faulty one is
 * reported, reads as null (or as an empty value where one is required), and marks the element it belongs to as failed:
 * a decoder reads all fields of an element, then asks `failed` once, so that every fault is found in one go.
 */
export class FieldReader {
  /** Path of this map in its object; empty for the object itself. */
  readonly field: string;
  readonly #map: PlainMap;
  readonly #element: Element;
  readonly #problems: ProblemCollector;

  constructor(map: PlainMap, place: { readonly field: string; readonly element: Element }, problems: ProblemCollector) {
    this.#map = map;
    this.field = place.field;
    this.#element = place.element;
    this.#problems = problems;
  }

  /** True once a fault has been found in the element this map belongs to. */
  get failed(): boolean {
    return this.#element.failed;
  }

  /** True when the field is there and not null. */
  has(key: string): boolean {
    return entryOf(this.#map, key) !== undefined;
  }

  /** The parsed value of a field; undefined when it is absent or null. */
  value(key: string): unknown {
    return entryOf(this.#map, key);
  }

  /** Path of a field of this map. */
  path(key: string): string {
    return this.field === '' ? key : `${this.field}.${key}`;
  }

  /** States a fault that costs the whole element. An empty key means the element itself. */
  fail(key: string, rule: string, value?: unknown): void {
    this.#element.failed = true;
    this.report({ field: key === '' ? this.field : this.path(key), rule, value, effect: this.#element.effect });
  }

  /** States a fault that costs less than the element. */
  report(fault: Fault): void {
    this.#problems.add(this.#element.severity === undefined ? fault : { severity: this.#element.severity, ...fault });
  }

  text(key: string, form: TextForm = ANY_TEXT): string | null {
    const value = this.value(key);
    if (value === undefined) return null;
    const fault = textFault(value, form);
    if (fault === null) return value as string;
    this.fail(key, fault, value);
    return null;
  }

  requiredText(key: string, form: TextForm = ANY_TEXT): string {
    const text = this.text(key, form);
    if (text !== null && text !== '') return text;
    if (text === '' || !this.has(key)) this.fail(key, 'must be set', text ?? undefined);
    return '';
  }

  /** One of a closed set of words; an empty one among them is no advice. */
  choice<T extends string>(key: string, choices: readonly T[]): T | null {
    const words = choices.filter((choice) => choice !== '');
    const form: TextForm = { rule: `must be ${words.join(' or ')}`, matches: (text) => choices.includes(text as T) };
    return this.text(key, form) as T | null;
  }

  integer(key: string, min: number, max: number): number | null {
    const value = this.value(key);
    if (value === undefined) return null;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    const hint = typeof value === 'string' && /^\d{1,10}$/.test(value) ? ', written without quotes' : '';
    this.fail(key, `must be a whole number from ${min} to ${max}${hint}`, value);
    return null;
  }

  flag(key: string): boolean | null {
    const value = this.value(key);
    if (value === undefined || typeof value === 'boolean') return value ?? null;
    const hint = value === 'true' || value === 'false' ? ', written without quotes' : '';
    this.fail(key, `must be true or false${hint}`, value);
    return null;
  }

  /** A map that belongs to the same element. */
  map(key: string): FieldReader | null {
    const value = this.value(key);
    if (value === undefined) return null;
    if (isPlainMap(value)) {
      return new FieldReader(value, { field: this.path(key), element: this.#element }, this.#problems);
    }
    this.fail(key, 'must be a map', value);
    return null;
  }

  /** As `map`, and as an empty map when it is absent: for a `spec` that may be left out. */
  optionalMap(key: string): FieldReader {
    const absent = new FieldReader({}, { field: this.path(key), element: this.#element }, this.#problems);
    return this.map(key) ?? absent;
  }

  requiredMap(key: string): FieldReader | null {
    if (!this.has(key)) this.fail(key, 'must be set');
    return this.map(key);
  }

  /** A map that is an element of its own: its faults cost `effect`, not the element around it. */
  element(key: string, effect: string): FieldReader | null {
    const value = this.value(key);
    if (value === undefined) return null;
    if (isPlainMap(value)) {
      return new FieldReader(value, { field: this.path(key), element: this.#part(effect) }, this.#problems);
    }
    this.report({ field: this.path(key), rule: 'must be a map', value, effect });
    return null;
  }

  /**
   * `status`, as an element of its own whose faults are warnings, as are those of all elements in it: others write it, and
   * no fault of theirs may cost the object.
   */
  status(effect: string): FieldReader | null {
    const value = this.value('status');
    if (value === undefined) return null;
    if (isPlainMap(value)) {
      const element: Element = { effect, severity: 'warning', failed: false };
      return new FieldReader(value, { field: this.path('status'), element }, this.#problems);
    }
    this.report({ severity: 'warning', field: this.path('status'), rule: 'must be a map', value, effect });
    return null;
  }

  /** The maps of a list, each an element of its own; entries that are no map are reported and left out. */
  elements(key: string, bounds: ListBounds): FieldReader[] {
    const readers: FieldReader[] = [];
    for (const [index, value] of this.#list(key, bounds)) {
      const field = `${this.path(key)}[${index}]`;
      if (!isPlainMap(value)) {
        this.report({ field, rule: 'must be a map', value, effect: bounds.effect });
        continue;
      }
      readers.push(new FieldReader(value, { field, element: this.#part(bounds.effect) }, this.#problems));
    }
    return readers;
  }

  /** As `elements`, but the maps belong to the element this one belongs to: one faulty or surplus entry costs all of it. */
  parts(key: string, max: number): FieldReader[] {
    const readers: FieldReader[] = [];
    for (const [index, value] of this.#wholeList(key, max)) {
      const place = { field: `${this.path(key)}[${index}]`, element: this.#element };
      if (isPlainMap(value)) readers.push(new FieldReader(value, place, this.#problems));
      else this.fail(`${key}[${index}]`, 'must be a map', value);
    }
    return readers;
  }

  /** As `texts`, but one faulty or surplus entry costs the element. */
  allTexts(key: string, form: TextForm, max: number): string[] {
    const texts: string[] = [];
    for (const [index, value] of this.#wholeList(key, max)) {
      const fault = textFault(value, form);
      if (fault === null) texts.push(value as string);
      else this.fail(`${key}[${index}]`, fault, value);
    }
    return texts;
  }

  /** As `allTexts`; a repeated entry costs the element too. */
  distinctTexts(key: string, form: TextForm, max: number): string[] {
    const texts = this.allTexts(key, form, max);
    for (const [index, text] of texts.entries()) {
      if (texts.indexOf(text) < index) this.fail(`${key}[${index}]`, 'must differ from the other entries', text);
    }
    return texts;
  }

  /** Keys of the map that have a value. */
  keys(): string[] {
    return Object.keys(this.#map).filter((key) => this.has(key));
  }

  /** The texts of a list; faulty ones are reported and left out. */
  texts(key: string, form: TextForm, bounds: ListBounds): string[] {
    const texts: string[] = [];
    for (const [index, value] of this.#list(key, bounds)) {
      const rule = textFault(value, form);
      if (rule === null) texts.push(value as string);
      else this.report({ field: `${this.path(key)}[${index}]`, rule, value, effect: bounds.effect });
    }
    return texts;
  }

  /**
   * A map of texts; null counts as the empty text, as in Kubernetes. Faulty entries are reported and left out; with
   * `effect` null one faulty entry costs the whole element.
   */
  textMap(key: string, forms: MapForms, effect: string | null): ReadonlyMap<string, string> {
    const texts = new Map<string, string>();
    for (const [name, value] of this.#entries(key, effect)) {
      const rule = forms.key.matches(name) ? textFault(value ?? '', forms.value) : forms.key.rule;
      if (rule === null) texts.set(name, (value ?? '') as string);
      else this.#lose(`${this.path(key)}[${name}]`, { rule, value: value ?? '' }, effect);
    }
    return texts.size === 0 ? NO_TEXTS : texts;
  }

  /** An element inside this one. */
  #part(effect: string): Element {
    const { severity } = this.#element;
    return severity === undefined ? { effect, failed: false } : { effect, severity, failed: false };
  }

  /** Up to `bounds.max` entries of a list with their places; further ones are reported once and left out. */
  #list(key: string, bounds: ListBounds): [number, unknown][] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.fail(key, 'must be a list', value);
      return [];
    }
    this.#boundCount(key, value.length, bounds.max);
    return [...value.slice(0, bounds.max).entries()];
  }

  /** All entries of a list with their places; none, and the element is lost, when it is too long or no list. */
  #wholeList(key: string, max: number): [number, unknown][] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) this.fail(key, 'must be a list', value);
    else if (value.length > max) this.fail(key, `must have at most ${max} entries`, value.length);
    else return [...value.entries()];
    return [];
  }

  #entries(key: string, effect: string | null): [string, unknown][] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (!isPlainMap(value)) {
      this.#lose(this.path(key), { rule: 'must be a map', value }, effect === null ? null : 'none of it is taken');
      return [];
    }
    const entries = Object.entries(value);
    this.#boundCount(key, entries.length, MAX_ENTRIES);
    return entries.slice(0, MAX_ENTRIES);
  }

  /** States a fault that costs `effect`, or the element when that is null. */
  #lose(field: string, fault: { readonly rule: string; readonly value: unknown }, effect: string | null): void {
    if (effect === null) this.#element.failed = true;
    this.report({ field: shorten(field), ...fault, effect: effect ?? this.#element.effect });
  }

  #boundCount(key: string, count: number, max: number): void {
    if (count <= max) return;
    const effect = `only the first ${max} are taken`;
    this.report({ field: this.path(key), rule: `must have at most ${max} entries`, value: count, effect });
  }
}

const MAX_FIELD_CHARS = 512;

/** A field path may hold a key from outside, of any length. */
function shorten(field: string): string {
  return field.length <= MAX_FIELD_CHARS ? field : `${field.slice(0, MAX_FIELD_CHARS)}…`;
}
