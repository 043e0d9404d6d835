import { at, list, text, type KubeObject } from '../json.ts';
import type { Column } from '../resourceType.ts';

/** A column that shows the string, number or flag at a path. */
export function field(name: string, path: string, more: Partial<Column> = {}): Column {
  const parts = path.split('.');
  return column(name, (object) => {
    const value = at(object, ...parts);
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : text(value);
  }, more);
}

/** A column with its own way to a cell. */
export function column(name: string, cell: Column['cell'], more: Partial<Column> = {}): Column {
  return { name, type: 'string', priority: 0, cell, ...more };
}

/** Name of the object. */
export const NAME: Column = column('Name', ({ metadata }) => metadata.name, { format: 'name' });

/** How long ago the object was made. */
export const AGE: Column = column('Age', ({ metadata }, nowMs) => age(metadata.creationTimestamp, nowMs));

/** Number of fields or elements at a path. */
export function count(name: string, path: string): Column {
  const parts = path.split('.');
  return column(name, (object) => {
    const value = at(object, ...parts);
    return Array.isArray(value) ? value.length : Object.keys((value as object | undefined) ?? {}).length;
  }, { type: 'integer' });
}

/** A time as kubectl shows it: `5m`, `3d4h`, `<unknown>` where there is none (apimachinery duration.HumanDuration). */
export function age(since: unknown, nowMs: number): string {
  const startMs = Date.parse(text(since));
  if (Number.isNaN(startMs)) return '<unknown>';
  const seconds = Math.floor((nowMs - startMs) / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 && days % 365 !== 0 ? `${years}y${days % 365}d` : `${years}y`;
}

/** Elements joined by commas; `none` where there are none. */
export function joined(values: unknown, none = '<none>'): string {
  const texts = list(values).map(String);
  return texts.length === 0 ? none : texts.join(',');
}

/** `a=b,c=d` of a selector. */
export function labelsText(labels: unknown): string {
  const entries = Object.entries((labels ?? {}) as Record<string, unknown>);
  return entries.length === 0 ? '<none>' : entries.map(([key, value]) => `${key}=${String(value)}`).toSorted().join(',');
}

/** Cell of `object`'s own, for tests of columns. */
export function cellOf(of: Column, object: KubeObject, nowMs: number): unknown {
  return of.cell(object, nowMs);
}
