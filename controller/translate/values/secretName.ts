import { accept, refuse, type Parsed } from './parsed.ts';

/** A Secret as an annotation names it. */
export interface SecretName {
  /** Null: the namespace of the object that names it. */
  readonly namespace: string | null;
  readonly name: string;
}

/** RFC 1123 names, as the API server demands of namespaces and Secrets. */
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** `namespace/name`, or `name` for a Secret beside the Ingress. */
export function parseSecretName(text: string): Parsed<SecretName> {
  const parts = text.trim().split('/');
  const name = parts.at(-1) ?? '';
  const namespace = parts.length === 2 ? (parts[0] ?? '') : null;
  const fine = parts.length <= 2 && NAME.test(name) && (namespace === null || NAMESPACE.test(namespace));
  return fine ? accept({ namespace, name }) : refuse('must be the namespace/name of a Secret');
}
