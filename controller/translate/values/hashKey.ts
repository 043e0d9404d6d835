import type { HashPart } from '../../../core/ir/cluster.ts';
import { accept, refuse, type Parsed } from './parsed.ts';

const MAX_KEY_CHARS = 512;
const MAX_PARTS = 16;

/** nginx and ingress-nginx variable → what it stands for. */
const VARIABLES: ReadonlyMap<string, HashPart> = new Map<string, HashPart>([
  ['request_uri', { type: 'requestUri' }],
  ['uri', { type: 'path' }],
  ['document_uri', { type: 'path' }],
  ['host', { type: 'host' }],
  ['http_host', { type: 'host' }],
  ['best_http_host', { type: 'host' }],
  ['remote_addr', { type: 'remoteAddress' }],
  ['binary_remote_addr', { type: 'remoteAddress' }],
  ['the_real_ip', { type: 'remoteAddress' }],
  ['request_method', { type: 'method' }],
  ['scheme', { type: 'scheme' }],
]);

/** A hash key in nginx's notation: text and variables, `$request_uri`, `${host}`, `$http_x_user`, `$cookie_session`, `$arg_id`. */
export function parseHashKey(text: string): Parsed<readonly HashPart[]> {
  if (text === '' || text.length > MAX_KEY_CHARS) return refuse(`must have 1 to ${MAX_KEY_CHARS} characters`);
  const parts: HashPart[] = [];
  let index = 0;
  while (index < text.length) {
    const piece = nextPiece(text, index);
    if (piece.part === null) return refuse(`must hold text and known variables; ${piece.raw} is not one`);
    parts.push(piece.part);
    index += piece.raw.length;
  }
  if (parts.length > MAX_PARTS) return refuse(`must have at most ${MAX_PARTS} parts`);
  return parts.every((part) => part.type === 'text')
    ? refuse('must hold at least one variable, such as $request_uri or $remote_addr')
    : accept(parts);
}

function nextPiece(text: string, index: number): { readonly raw: string; readonly part: HashPart | null } {
  const dollar = text.indexOf('$', index);
  if (dollar !== index) {
    const raw = dollar === -1 ? text.slice(index) : text.slice(index, dollar);
    return { raw, part: { type: 'text', value: raw } };
  }
  const variable = /\$(?:\{(\w+)\}|(\w+))/y;
  variable.lastIndex = index;
  const match = variable.exec(text);
  if (match === null) return { raw: '$', part: null };
  return { raw: match[0], part: partOfVariable((match[1] ?? match[2] ?? '').toLowerCase()) };
}

function partOfVariable(name: string): HashPart | null {
  const known = VARIABLES.get(name);
  if (known !== undefined) return known;
  const prefixed = /^(http|cookie|arg)_(\w+)$/.exec(name);
  const rest = prefixed?.[2];
  if (rest === undefined) return null;
  if (prefixed?.[1] === 'http') return { type: 'header', name: rest.replaceAll('_', '-') };
  return { type: prefixed?.[1] === 'cookie' ? 'cookie' : 'query', name: rest };
}
