import type { Secret } from '../model/objects.ts';
import type { ObjectIndex } from '../model/store.ts';
import { accept, refuse, type Parsed } from './values/parsed.ts';
import type { SecretName } from './values/secretName.ts';

/**
 * The Secret that an object of `namespace` names, or the rule that is broken. Another namespace's Secret is refused: who may
 * write an Ingress must not get to use what only others may read.
 */
export function findOwnSecret(namespace: string, wanted: SecretName, objects: ObjectIndex): Parsed<Secret> {
  if (wanted.namespace !== null && wanted.namespace !== namespace) return refuse(`must name a Secret of namespace ${namespace}`);
  const secret = objects.get('Secret', namespace, wanted.name);
  return secret === undefined ? refuse(`must name a Secret that exists in namespace ${namespace}`) : accept(secret);
}

/** A Secret as it is written in annotations. */
export function printSecretName({ namespace, name }: SecretName): string {
  return namespace === null ? name : `${namespace}/${name}`;
}
