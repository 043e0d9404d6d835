/** What a path asks for. */
export type RequestInfo =
  | { readonly type: 'other'; readonly path: string }
  | {
    readonly type: 'resource';
    readonly group: string;
    readonly version: string;
    readonly namespace: string;
    readonly plural: string;
    readonly name: string;
    readonly subresource: string;
  };

/** Reads a path as the API server does (apiserver RequestInfoFactory). Throws URIError for escapes that are none. */
export function requestInfo(path: string): RequestInfo {
  const parts = path.split('/').filter((part) => part !== '').map((part) => decodeURIComponent(part));
  const rest = parts[0] === 'api' ? parts.slice(2) : parts.slice(3);
  const isApi = (parts[0] === 'api' && parts.length > 2) || (parts[0] === 'apis' && parts.length > 3);
  if (!isApi) return { type: 'other', path };
  const [group = '', version = ''] = parts[0] === 'api' ? ['', parts[1]] : [parts[1], parts[2]];
  const [first = '', second = '', third = ''] = rest;
  const isInNamespace = first === 'namespaces' && rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(third);
  const [plural = '', name = '', subresource = ''] = isInNamespace ? rest.slice(2) : rest;
  return { type: 'resource', group, version, namespace: isInNamespace ? second : plural === 'namespaces' ? name : '', plural, name, subresource };
}

const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);
