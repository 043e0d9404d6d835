import type { FieldReader } from './fieldReader.ts';
import type { ObjectBase } from '../model/objectBase.ts';

/** What the decoder of one kind is given: the object's fields, and what all kinds share already decoded. */
export interface Decoding {
  readonly object: FieldReader;
  readonly base: ObjectBase;
  /** As written, `networking.k8s.io/v1`. */
  readonly apiVersion: string;
}

/** Group of the object, by which configuration of other products is told from our own; empty: the core group. */
export function groupOf({ apiVersion }: Decoding): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

/** True for the beta versions that old tutorials still show. */
export function isBeta(decoding: Decoding): boolean {
  return decoding.apiVersion.endsWith('/v1beta1');
}

/** Of MetalLB, whose objects have fewer fields than ours of the same kinds. */
export const METALLB_GROUP = 'metallb.io';
