import type { ValueParser } from '../values/parsed.ts';

/** One ConfigMap key Gatehouse obeys. */
export interface SettingRow<T> {
  readonly key: string;
  readonly parse: ValueParser<T & {}>;
  readonly default: T;
  /** Where the default comes from. */
  readonly source: 'ingress-nginx' | 'ours';
  /** What it does and how it differs: a sentence of Markdown. */
  readonly documentation: string;
}

/** A row whatever its type. */
export type AnySettingRow = Omit<SettingRow<unknown>, 'parse'> & { readonly parse: ValueParser<unknown> };

/** Fixes the type of a row by its parser and default. */
export function setting<T>(row: SettingRow<T>): SettingRow<T> {
  return row;
}
