import { decodeObject, type Decoded } from '../decodeObject.ts';
import { notTaken, valueAt } from './foreignObject.ts';
import { decodeMetallbConfigMap } from './metallbConfigMap.ts';

/**
 * All IPAddressPools of MetalLB, and its ConfigMap of before 0.13. MetalLB itself has read the ConfigMap no more since there are
 * IPAddressPools, and who moved from one to the other may have left it lying: where there are both, it is not read.
 */
export function decodeMetallbPools(values: readonly unknown[]): readonly Decoded[] {
  const pools = values.filter((value) => !isConfigMap(value));
  const configMaps = values.filter(isConfigMap);
  if (pools.length === 0) return configMaps.flatMap(decodeMetallbConfigMap);
  return [...pools.map((pool) => decodeObject(pool, null)), ...configMaps.map(leftBehind)];
}

function isConfigMap(value: unknown): boolean {
  return valueAt(value, 'kind') === 'ConfigMap';
}

function leftBehind(configMap: unknown): Decoded {
  const [namespace, name] = [valueAt(configMap, 'metadata', 'namespace'), valueAt(configMap, 'metadata', 'name')];
  const ref = { kind: 'ConfigMap', namespace: String(namespace), name: String(name) };
  const problem = notTaken('data.config', 'it is ignored while there are IPAddressPools of metallb.io, as MetalLB does; delete it');
  return { object: null, ref, problems: [{ ...problem, object: ref }] };
}
