import type { HashPart } from '../../core/ir/cluster.ts';
import type { BalanceRequest } from './request.ts';

/**
 * The text a consistent hash is taken of. Null when it has variable parts and this request fills none of them: such
 * requests are spread instead of burdening the one endpoint that owns the empty text.
 */
export function hashKey(parts: readonly HashPart[], request: BalanceRequest): string | null {
  let key = '';
  let isFixed = true;
  let isFilled = false;
  for (const part of parts) {
    const value = partValue(part, request);
    key += value;
    if (part.type === 'text') continue;
    isFixed = false;
    isFilled ||= value !== '';
  }
  return isFixed || isFilled ? key : null;
}

/**
 * Raw value of the first query parameter of that name, letter case of the name ignored, nothing decoded: as nginx's
 * `$arg_name`. Empty when it is not there.
 */
export function queryValue(target: string, lowerName: string): string {
  const mark = target.indexOf('?');
  if (mark === -1) return '';
  for (let start = mark + 1; start < target.length; ) {
    const ampersand = target.indexOf('&', start);
    const end = ampersand === -1 ? target.length : ampersand;
    const equals = start + lowerName.length;
    if (equals < end && target[equals] === '=' && target.slice(start, equals).toLowerCase() === lowerName) {
      return target.slice(equals + 1, end);
    }
    start = end + 1;
  }
  return '';
}

function partValue(part: HashPart, request: BalanceRequest): string {
  switch (part.type) {
    case 'text':
      return part.value;
    case 'remoteAddress':
      return request.remoteAddress;
    case 'host':
      return request.host;
    case 'requestUri':
      return request.target;
    case 'path':
      return withoutQuery(request.target);
    case 'method':
      return request.method;
    case 'scheme':
      return request.scheme;
    case 'header':
      return request.header(part.name) ?? '';
    case 'cookie':
      return request.cookie(part.name) ?? '';
    case 'query':
      return queryValue(request.target, part.name);
  }
}

function withoutQuery(target: string): string {
  const mark = target.indexOf('?');
  return mark === -1 ? target : target.slice(0, mark);
}
