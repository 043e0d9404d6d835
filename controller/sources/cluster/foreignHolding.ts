import type { ClusterKind } from './clusterKind.ts';
import { ForeignJoint, type JointForm, type JointKind } from './foreignJoint.ts';
import { HeldObjects, type Held, type HeldListener } from './heldObjects.ts';

/** Holds the objects of one collection of a kind; a lower rank goes first. */
export type Holding = (kind: ClusterKind | JointKind, rank: number) => Held;

/** Makes what holds objects: each kind by itself, or those of one form together, by the rank of the first of them. */
export function createHolding(listener: HeldListener): Holding {
  const joints = new Map<JointForm, ForeignJoint>();
  return (kind, rank) => {
    if (!('joint' in kind)) return new HeldObjects(kind, rank, listener);
    const joint = joints.get(kind.joint) ?? new ForeignJoint(kind.joint, rank, listener);
    joints.set(kind.joint, joint);
    return joint.part(kind);
  };
}
