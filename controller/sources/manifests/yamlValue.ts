import { isAlias, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { Parsed, TextFault, YamlDocument } from './yamlDocument.ts';

/** Bounds of one document (ours): far above what any object needs, far below what costs memory. */
const MAX_DEPTH = 100;
const MAX_ALIASES = 1000;
/** Nodes and characters once every alias is written out, so that a few lines cannot stand for gigabytes. */
const MAX_EXPANDED_SIZE = 128 * 1024 * 1024;

const MERGE_KEY = '<<';

/**
 * The plain value of a document: strings, numbers, booleans, null, arrays, and maps without a prototype, so that a key
 * named `__proto__` is a key like any other. An alias gives the same object as its anchor. Repeated keys, unknown
 * aliases and documents beyond the bounds are faults.
 */
export function readYamlValue(document: YamlDocument): Parsed<unknown> {
  const reader = new ValueReader();
  try {
    return { ok: true, value: reader.read(document.tree.contents, 0).value };
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    const fault: TextFault = { rule: error.message, line: document.lineAt(error.offset) };
    return { ok: false, fault };
  }
}

/** Leaves the recursion at the first fault; never seen outside this file. */
class YamlFault extends Error {
  readonly offset: number;

  constructor(rule: string, offset: number) {
    super(rule);
    this.offset = offset;
  }
}

/** A value with its size once aliases are written out. */
interface Sized {
  readonly value: unknown;
  readonly size: number;
}

class ValueReader {
  /** anchor → what it names; filled in document order, so that an alias can only look back. */
  readonly #anchors = new Map<string, Sized>();
  #aliases = 0;

  read(node: unknown, depth: number): Sized {
    if (node === null || node === undefined) return { value: null, size: 1 };
    const offset = offsetOf(node);
    if (depth > MAX_DEPTH) throw new YamlFault(`must not be nested deeper than ${MAX_DEPTH} levels`, offset);
    if (isAlias(node)) return this.#readAlias(node.source, offset);
    const sized = this.#readNode(node, depth);
    if (sized.size > MAX_EXPANDED_SIZE) throw new YamlFault('must not grow beyond its bound by aliases', offset);
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, sized);
    }
    return sized;
  }

  #readNode(node: unknown, depth: number): Sized {
    if (isScalar(node)) return readScalar(node);
    if (isMap(node)) return this.#readMap(node, depth);
    if (isSeq(node)) return this.#readList(node.items, depth);
    throw new YamlFault('must be a string, number, boolean, list or map', offsetOf(node));
  }

  #readAlias(name: string, offset: number): Sized {
    this.#aliases += 1;
    if (this.#aliases > MAX_ALIASES) throw new YamlFault(`must have at most ${MAX_ALIASES} aliases`, offset);
    const target = this.#anchors.get(name);
    if (target === undefined) throw new YamlFault('must name an anchor that stands above this alias', offset);
    return target;
  }

  #readList(items: readonly unknown[], depth: number): Sized {
    const value: unknown[] = [];
    let size = 1;
    for (const item of items) {
      const sized = this.read(item, depth + 1);
      value.push(sized.value);
      size += sized.size;
    }
    return { value, size };
  }

  #readMap(map: YAMLMap, depth: number): Sized {
    const value = Object.create(null) as Record<string, unknown>;
    const merged: Sized[] = [];
    let size = 1;
    for (const pair of map.items) {
      const key = keyOf(pair);
      const sized = this.read(pair.value, depth + 1);
      size += key.length + sized.size;
      if (key === MERGE_KEY) {
        merged.push(sized);
        continue;
      }
      if (key in value) throw new YamlFault('must not have the same key twice', offsetOf(pair.key));
      value[key] = sized.value;
    }
    for (const source of merged) mergeInto(value, source.value, offsetOf(map));
    return { value, size };
  }
}

/** `<<` takes over what the map itself does not say (YAML 1.1 merge key, which kubectl reads too). */
function mergeInto(target: Record<string, unknown>, source: unknown, offset: number): void {
  for (const map of Array.isArray(source) ? (source as readonly unknown[]) : [source]) {
    if (typeof map !== 'object' || map === null || Array.isArray(map)) throw new YamlFault('must merge maps only', offset);
    for (const [key, value] of Object.entries(map)) if (!(key in target)) target[key] = value as unknown;
  }
}

function keyOf(pair: Pair): string {
  if (isScalar(pair.key) && typeof pair.key.value === 'string') return pair.key.value;
  throw new YamlFault('must have strings as keys', offsetOf(pair.key ?? pair.value));
}

/** Dates, octets and the like of YAML 1.1 are taken as they are written. */
function readScalar(scalar: Scalar): Sized {
  const { value } = scalar;
  if (typeof value === 'string') return { value, size: 1 + value.length };
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return { value, size: 1 };
  const source = scalar.source ?? '';
  return { value: source, size: 1 + source.length };
}

function offsetOf(node: unknown): number {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return 0;
  return typeof node.range[0] === 'number' ? node.range[0] : 0;
}
