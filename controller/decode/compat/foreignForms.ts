import type { Resource } from '../../cluster/resources.ts';
import { decodeObject, type Decoded } from '../decodeObject.ts';
import { decodeEip, OPENELB_GROUP } from './eip.ts';
import { decodeMetallbConfigMap } from './metallbConfigMap.ts';
import { decodeOpenelbBgp } from './openelbBgp.ts';

/** Products whose objects are read besides our own (`--compat`). */
export type ForeignProduct = 'metallb' | 'openelb';

/** Resources of another product that are understood together, and what they mean in our kinds. */
export interface ForeignForm {
  readonly product: ForeignProduct;
  readonly resources: readonly Resource[];
  /** Name of the only objects that count; null: all. In the namespace of the product. */
  readonly name: string | null;
  /** Pure: all values there are now of these resources, `apiVersion` and `kind` on each, to all objects they mean. */
  readonly decode: (values: readonly unknown[]) => readonly Decoded[];
}

function metallb(plural: string, version = 'v1beta1'): Resource {
  return { group: 'metallb.io', version, plural, namespaced: true };
}

function openelb(plural: string): Resource {
  return { group: OPENELB_GROUP, version: 'v1alpha2', plural, namespaced: false };
}

/** MetalLB's objects have our form already. */
const decodeAsOwn = (values: readonly unknown[]): readonly Decoded[] => values.map((value) => decodeObject(value, null));

/** Everything of other products that is read. */
export const FOREIGN_FORMS: readonly ForeignForm[] = [
  ...['ipaddresspools', 'l2advertisements', 'bgpadvertisements', 'bfdprofiles', 'communities'].map(
    (plural): ForeignForm => ({ product: 'metallb', resources: [metallb(plural)], name: null, decode: decodeAsOwn }),
  ),
  { product: 'metallb', resources: [metallb('bgppeers', 'v1beta2')], name: null, decode: decodeAsOwn },
  {
    product: 'metallb',
    resources: [{ group: '', version: 'v1', plural: 'configmaps', namespaced: true }],
    name: 'config',
    decode: (values) => values.flatMap(decodeMetallbConfigMap),
  },
  { product: 'openelb', resources: [openelb('eips')], name: null, decode: (values) => values.flatMap(decodeEip) },
  { product: 'openelb', resources: [openelb('bgpconfs'), openelb('bgppeers')], name: null, decode: decodeOpenelbBgp },
];
