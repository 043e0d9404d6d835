import type { ValueParser } from '../values/parsed.ts';

/** One annotation Gatehouse obeys: what the reader, `planIngress` and docs/annotations.md know about it. */
export interface AnnotationRow<T> {
  /** Without prefix. */
  readonly name: string;
  readonly parse: ValueParser<T & {}>;
  /** Holds when the annotation is absent. Null: nothing, or what `configMapKey` says. */
  readonly default: T;
  /** ConfigMap key whose value holds when the annotation is absent. */
  readonly configMapKey?: string;
  /** Holds instead of the default when the value breaks the rule. */
  readonly whenInvalid?: { readonly value: T & {}; readonly effect: string };
  /**
   * A value that breaks the rule is no reason to be less careful: the paths of the Ingress, or all paths of its hosts, answer
   * 503. Absent: the default holds.
   */
  readonly denyWhenInvalid?: 'ingress' | 'host';
  /** The default as one would write it, where that is not plain from its value. */
  readonly defaultText?: string;
  /** Name of an annotation without which this one says nothing. */
  readonly needs?: string;
  /** What a wrong value can hurt. low: its own Ingress; medium: its clients' sessions or secrecy. What is worse is not obeyed. */
  readonly risk: 'low' | 'medium';
  /** Where it takes effect. */
  readonly scope: 'canary' | 'cluster' | 'route' | 'host';
  /** What it does and how it differs from ingress-nginx: a sentence or two of Markdown. */
  readonly documentation: string;
}

/** A row whatever its type; what tables and the reader hold. */
export type AnyAnnotationRow = Omit<AnnotationRow<unknown>, 'parse'> & { readonly parse: ValueParser<unknown> };

/** Fixes the type of a row by its parser and default. */
export function annotation<T>(row: AnnotationRow<T>): AnnotationRow<T> {
  return row;
}
