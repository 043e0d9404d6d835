import { apiVersionOf, type Resource } from '../../cluster/resources.ts';
import type { Kind } from '../../model/objects.ts';
import { decodeObject, type Decoded } from '../decodeObject.ts';
import { decodeEip, OPENELB_GROUP } from './eip.ts';
import { decodeMetallbPools } from './metallbPools.ts';
import { METALLB_GROUP } from '../decoding.ts';
import { decodeOpenelbBgp } from './openelbBgp.ts';

/** Products whose objects are read besides our own (`--compat`). */
export type ForeignProduct = 'metallb' | 'openelb';

/** One kind of another product. */
export interface ForeignResource extends Resource {
  readonly kind: string;
  /** The one object that counts; null: all. */
  readonly only: { readonly namespace: string; readonly name: string } | null;
}

/** Kinds of another product that are understood together, and what they mean in our kinds. */
export interface ForeignForm {
  readonly product: ForeignProduct;
  /** Whose they are, for problems: a group. */
  readonly label: string;
  readonly resources: readonly ForeignResource[];
  /** Own kinds that come of them. */
  readonly produces: readonly Kind[];
  /**
   * Pure: all values there are now of these kinds, `apiVersion` and `kind` on each, to all objects they mean. Of what is
   * left out on purpose there are warnings only, without a reference; an error without one leaves everything as it was.
   */
  readonly decode: (values: readonly unknown[]) => readonly Decoded[];
}

/** Where MetalLB's manifests put it. */
export const METALLB_NAMESPACE = 'metallb-system';

/** Everything of other products that is read; of two that define the same object the earlier one counts. */
export const FOREIGN_FORMS: readonly ForeignForm[] = [
  metallbForm('L2Advertisement', 'l2advertisements'),
  metallbForm('BGPAdvertisement', 'bgpadvertisements'),
  metallbForm('BGPPeer', 'bgppeers', 'v1beta2'),
  metallbForm('BFDProfile', 'bfdprofiles'),
  metallbForm('Community', 'communities'),
  {
    product: 'metallb',
    label: METALLB_GROUP,
    resources: [metallb('IPAddressPool', 'ipaddresspools'), metallbConfigMap()],
    produces: ['IPAddressPool', 'L2Advertisement', 'BGPAdvertisement', 'BGPPeer', 'BFDProfile', 'Community'],
    decode: decodeMetallbPools,
  },
  {
    product: 'openelb',
    label: OPENELB_GROUP,
    resources: [openelb('Eip', 'eips')],
    produces: ['IPAddressPool', 'L2Advertisement', 'BGPAdvertisement'],
    decode: (values) => values.flatMap(decodeEip),
  },
  {
    product: 'openelb',
    label: OPENELB_GROUP,
    resources: [openelb('BgpConf', 'bgpconfs'), openelb('BgpPeer', 'bgppeers')],
    produces: ['BGPPeer'],
    decode: decodeOpenelbBgp,
  },
];

/** What an object that was made of another product's is called there; null: it is ours. */
export function foreignType(kind: Kind, group: string): { readonly apiVersion: string; readonly kind: string } | null {
  const form = FOREIGN_FORMS.find(({ label, produces }) => label === group && produces.includes(kind));
  const written = form?.resources.find((candidate) => candidate.kind.toLowerCase() === kind.toLowerCase()) ?? form?.resources[0];
  return written === undefined ? null : { apiVersion: apiVersionOf(written), kind: written.kind };
}

function metallb(kind: Kind, plural: string, version = 'v1beta1'): ForeignResource {
  return { kind, group: METALLB_GROUP, version, plural, namespaced: true, only: null };
}

function metallbConfigMap(): ForeignResource {
  const only = { namespace: METALLB_NAMESPACE, name: 'config' };
  return { kind: 'ConfigMap', group: '', version: 'v1', plural: 'configmaps', namespaced: true, only };
}

/** MetalLB's objects have our form already. */
function metallbForm(kind: Kind, plural: string, version?: string): ForeignForm {
  const decode = (values: readonly unknown[]): readonly Decoded[] => values.map((value) => decodeObject(value, null));
  return { product: 'metallb', label: METALLB_GROUP, resources: [metallb(kind, plural, version)], produces: [kind], decode };
}

function openelb(kind: string, plural: string): ForeignResource {
  return { kind, group: OPENELB_GROUP, version: 'v1alpha2', plural, namespaced: false, only: null };
}
