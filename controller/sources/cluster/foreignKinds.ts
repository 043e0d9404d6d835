import type { ClusterKind, FollowedKind } from './clusterKind.ts';
import type { JointKind } from './foreignJoint.ts';
import { FOREIGN_FORMS, METALLB_NAMESPACE, type ForeignForm, type ForeignProduct, type ForeignResource } from '../../decode/compat/foreignForms.ts';

/** Kinds of these products, in the order in which they count. */
export function foreignKinds(products: readonly ForeignProduct[]): readonly (ClusterKind | JointKind)[] {
  return FOREIGN_FORMS.filter(({ product }) => products.includes(product)).flatMap(kindsOf);
}

function kindsOf(form: ForeignForm): readonly (ClusterKind | JointKind)[] {
  const [first, ...others] = form.resources;
  if (first === undefined) return [];
  // A form of one kind without a name of its own is understood object by object: nothing has to be kept of it.
  if (others.length === 0) return [{ ...followedKind(form, first), produces: form.produces, decode: (value) => form.decode([value]) }];
  return form.resources.map((resource) => ({ ...followedKind(form, resource), produces: resource === first ? form.produces : [], joint: form }));
}

function followedKind({ product, label }: ForeignForm, { kind, only, ...resource }: ForeignResource): Omit<FollowedKind, 'produces'> {
  return {
    label: `${kind}.${label}`,
    kind,
    resource,
    configures: false,
    whenMissing: null,
    ...(product === 'metallb' ? { home: METALLB_NAMESPACE } : {}),
    ...(only === null ? {} : { only }),
  };
}
