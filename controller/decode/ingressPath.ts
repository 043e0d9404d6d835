import type { FieldReader } from './fieldReader.ts';
import type { IngressBackend, IngressPath } from '../model/ingress.ts';
import type { TextForm } from './textForm.ts';

/** How the backend of a path is read; differs between v1 and v1beta1. */
export type BackendDecoder = (backend: FieldReader) => IngressBackend | null;

type PathType = IngressPath['pathType'];

const PATH_TYPES: readonly PathType[] = ['Exact', 'Prefix', 'ImplementationSpecific'];

/** Sequences that no normalised request path holds (API server: validateHTTPIngressPath). */
const FORBIDDEN_PARTS = ['//', '/./', '/../', '%2f', '%2F'];
const FORBIDDEN_ENDS = ['/.', '/..'];

const ABSOLUTE: TextForm = { rule: 'must begin with "/"', matches: (text) => text.startsWith('/') };
const NORMAL: TextForm = {
  rule: `must hold none of ${FORBIDDEN_PARTS.join(' ')} and not end in ${FORBIDDEN_ENDS.join(' or ')}`,
  matches: (text) =>
    !FORBIDDEN_PARTS.some((part) => text.includes(part)) && !FORBIDDEN_ENDS.some((end) => text.endsWith(end)),
};

/** One HTTPIngressPath; null when it is faulty, which is reported. */
export function decodePath(
  path: FieldReader,
  form: { readonly beta: boolean; readonly decodeBackend: BackendDecoder },
): IngressPath | null {
  const pathType = decodePathType(path, form.beta);
  const text = decodePathText(path, pathType);
  const backendReader = path.requiredMap('backend');
  const backend = backendReader === null ? null : form.decodeBackend(backendReader);
  return path.failed || backend === null ? null : { path: text, pathType, backend, field: path.field };
}

function decodePathType(path: FieldReader, beta: boolean): PathType {
  const pathType = path.choice('pathType', PATH_TYPES);
  if (!path.has('pathType') && !beta) {
    path.report({
      field: path.path('pathType'),
      rule: `must be set: ${PATH_TYPES.join(', ')}`,
      effect: 'ImplementationSpecific is used',
    });
  }
  return pathType ?? 'ImplementationSpecific';
}

function decodePathText(path: FieldReader, pathType: PathType): string {
  const text = path.text('path') ?? '';
  if (pathType === 'ImplementationSpecific') {
    if (text !== '' && !ABSOLUTE.matches(text)) path.fail('path', ABSOLUTE.rule, text);
    return text === '' ? '/' : text;
  }
  if (typeof path.value('path') === 'string' || !path.has('path')) checkNormal(path, text);
  return text;
}

function checkNormal(path: FieldReader, text: string): void {
  for (const form of [ABSOLUTE, NORMAL]) {
    if (form.matches(text)) continue;
    path.fail('path', form.rule, path.value('path'));
    return;
  }
}
