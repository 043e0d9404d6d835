import { isDeepStrictEqual } from 'node:util';

/** True for values that are equal, as isDeepStrictEqual has it. */
export type IsSame = (left: unknown, right: unknown) => boolean;

/** What a list was compared with last. */
interface Verdict {
  readonly right: readonly unknown[];
  readonly areSame: boolean;
}

/**
 * Compares data of two states, such as JSON could carry or a Map of it, while neither changes. Thousands of elements of a state may share
 * one long list, which is another object in the next state: each pair of lists is looked into once.
 */
export function createComparison(): IsSame {
  /** By the list on the left. */
  const verdicts = new Map<readonly unknown[], Verdict>();

  function isSame(left: unknown, right: unknown): boolean {
    if (Object.is(left, right)) return true;
    if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
    if (Array.isArray(left) && Array.isArray(right)) return areSameLists(left, right);
    return isPlainObject(left) && isPlainObject(right) ? areSameObjects(left, right) : isDeepStrictEqual(left, right);
  }

  function areSameLists(left: readonly unknown[], right: readonly unknown[]): boolean {
    if (left.length !== right.length) return false;
    const known = verdicts.get(left);
    if (known?.right === right) return known.areSame;
    const areSame = left.every((element, index) => isSame(element, right[index]));
    verdicts.set(left, { right, areSame });
    return areSame;
  }

  function areSameObjects(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
    const names = Object.keys(left);
    if (names.length !== Object.keys(right).length) return false;
    return names.every((name) => Object.hasOwn(right, name) && isSame(left[name], right[name]));
  }

  return isSame;
}

/** No Map, no Date, nothing of a class. */
function isPlainObject(value: object): value is Readonly<Record<string, unknown>> {
  return Object.getPrototypeOf(value) === Object.prototype;
}
