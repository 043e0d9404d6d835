import type { KubeRequest } from './kubeApi.ts';

/** The words of RBAC for one request (as the API server's RequestInfo). */
export interface RequestAttributes {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  /** Empty: the core group. */
  readonly group: string;
  /** Plural; empty for a path that is no resource (`/version`). */
  readonly resource: string;
  /** Empty: the object itself. */
  readonly subresource: string;
  /** Empty: cluster-scoped, or all namespaces. A Namespace is in itself. */
  readonly namespace: string;
  /** Empty: the collection. A list or watch whose only `fieldSelector` is `metadata.name=x` is about x. */
  readonly name: string;
}

/** Says which RBAC rule a request needs. */
export function describeRequest(request: Pick<KubeRequest, 'method' | 'path' | 'query'>): RequestAttributes {
  const segments = request.path.split('/').slice(1).map(decodeSegment);
  const [root, group = ''] = segments;
  const parts = root === 'api' ? segments.slice(2) : root === 'apis' ? segments.slice(3) : [];
  const place = placeOf(parts);
  const verb = verbOf(request, place.name !== '' || parts.length === 0);
  const selected = verb === 'list' || verb === 'watch' ? selectedName(request.query?.['fieldSelector'] ?? '') : '';
  return { verb, group: root === 'apis' && parts.length > 0 ? group : '', ...place, name: place.name || selected };
}

/** What follows the version: `namespaces/NS/RESOURCE/NAME/SUBRESOURCE`, or the same without a namespace. */
function placeOf(parts: readonly string[]): Pick<RequestAttributes, 'resource' | 'subresource' | 'namespace' | 'name'> {
  const [first = '', second = '', third = ''] = parts;
  const isNamespace = first === 'namespaces' && (parts.length < 3 || third === 'status' || third === 'finalize');
  const isInNamespace = first === 'namespaces' && !isNamespace;
  const [resource = '', name = '', subresource = ''] = isInNamespace ? parts.slice(2) : parts;
  return { resource, subresource, namespace: isInNamespace || isNamespace ? second : '', name };
}

function verbOf({ method, query }: Pick<KubeRequest, 'method' | 'query'>, named: boolean): RequestAttributes['verb'] {
  switch (method) {
    case 'GET':
      if (query?.['watch'] === '1' || query?.['watch'] === 'true') return 'watch';
      return named ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
  }
}

function selectedName(fieldSelector: string): string {
  const prefix = 'metadata.name=';
  const isOnlyTerm = fieldSelector.startsWith(prefix) && !fieldSelector.includes(',');
  return isOnlyTerm ? fieldSelector.slice(prefix.length) : '';
}

/** A segment that is no valid percent-encoding is taken as it stands. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
