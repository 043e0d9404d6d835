import { ApiError } from '../apiError.ts';

/** The form an answer is given in. */
export interface Form {
  readonly as: 'object' | 'table' | 'metadata';
  readonly encoding: 'json' | 'yaml';
}

/** The first media type of `accept` that can be served; throws 406 where none can. */
export function negotiate(accept: string): Form {
  const types = accept === '' ? ['*/*'] : accept.split(',');
  for (const type of types) {
    const form = formOf(type.trim());
    if (form !== null) return form;
  }
  const message = 'only the following media types are accepted: application/json, application/yaml';
  throw new ApiError(406, 'NotAcceptable', message);
}

function formOf(mediaType: string): Form | null {
  const [type = '', ...parameters] = mediaType.split(';').map((part) => part.trim());
  const encoding = ENCODINGS.get(type);
  if (encoding === undefined) return null;
  const values = new Map(parameters.map((parameter): [string, string] => {
    const [name = '', value = ''] = parameter.split('=', 2);
    return [name, value];
  }));
  const as = values.get('as');
  if (as === undefined) return { as: 'object', encoding };
  if (values.get('g') !== 'meta.k8s.io' || values.get('v') !== 'v1') return null;
  if (as === 'Table') return { as: 'table', encoding };
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? { as: 'metadata', encoding } : null;
}

const ENCODINGS: ReadonlyMap<string, Form['encoding']> = new Map([
  ['*/*', 'json'], ['application/*', 'json'], ['application/json', 'json'], ['application/yaml', 'yaml'],
]);
