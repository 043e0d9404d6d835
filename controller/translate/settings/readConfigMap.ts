import type { Problem } from '../../../core/ir/problem.ts';
import type { ConfigMap } from '../../model/objects.ts';
import { problemOf } from '../problemOf.ts';
import type { SettingRow } from './row.ts';
import { DENYING_SETTINGS, SETTINGS } from './table.ts';

/** What a ConfigMap says, defaults where it says nothing or nothing good. */
export interface SettingValues {
  get<T>(row: SettingRow<T>): T;
}

/** The values, every fault, and why no Ingress may be served (null: nothing of the kind). */
export interface ConfigMapReading {
  readonly values: SettingValues;
  readonly denial: string | null;
  readonly problems: readonly Problem[];
}

/** Reads an ingress-nginx style ConfigMap; null reads as an empty one. */
export function readConfigMap(configMap: ConfigMap | null): ConfigMapReading {
  const values = new Map<string, unknown>();
  const problems: Problem[] = [];
  let denial: string | null = null;
  for (const key of [...(configMap?.data.keys() ?? [])].toSorted()) {
    const text = configMap?.data.get(key) ?? '';
    if (configMap === null || text === '') continue;
    if (DENYING_SETTINGS.has(key)) denial ??= `ConfigMap key ${key} is not supported yet`;
    const value = readKey(configMap, key, text, problems);
    if (value !== undefined) values.set(key, value);
  }
  return {
    values: { get: <T>(row: SettingRow<T>) => (values.has(row.key) ? (values.get(row.key) as T) : row.default) },
    denial,
    problems,
  };
}

function readKey(configMap: ConfigMap, key: string, text: string, problems: Problem[]): unknown {
  const field = `data[${key}]`;
  if (DENYING_SETTINGS.has(key)) {
    const rule = 'restricts access in a way that is not supported yet';
    const effect = 'every Ingress answers 503 rather than being served without it';
    problems.push(problemOf(configMap, { severity: 'error', field, rule, effect }));
    return undefined;
  }
  const row = SETTINGS.get(key);
  if (row === undefined) {
    const rule = 'is not a key Gatehouse obeys';
    problems.push(problemOf(configMap, { severity: 'warning', field, rule, effect: 'the key has no effect' }));
    return undefined;
  }
  const parsed = row.parse(text);
  if (parsed.ok) return parsed.value;
  const effect = row.default === null ? 'the key has no effect' : 'the default is used';
  problems.push(problemOf(configMap, { severity: 'error', field, rule: parsed.rule, value: text, effect }));
  return undefined;
}
