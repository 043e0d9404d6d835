import type { Decoding } from './decoding.ts';
import type { TextForm } from './textForm.ts';
import type { IngressClass } from '../model/ingress.ts';

const MAX_CONTROLLER_CHARS = 250;
const IS_DEFAULT = 'ingressclass.kubernetes.io/is-default-class';

const CONTROLLER: TextForm = {
  rule: `must be a domain and a path such as "example.test/controller", at most ${MAX_CONTROLLER_CHARS} characters`,
  matches: (text) => text.length <= MAX_CONTROLLER_CHARS && /^[^/\s]+\/\S+$/.test(text),
};

/** networking.k8s.io IngressClass; null without a controller. */
export function decodeIngressClass({ object, base }: Decoding): IngressClass | null {
  const controller = object.requiredMap('spec')?.requiredText('controller', CONTROLLER) ?? '';
  const isDefault = base.metadata.annotations.get(IS_DEFAULT) === 'true';
  return object.failed ? null : { ...base, kind: 'IngressClass', controller, isDefault };
}
