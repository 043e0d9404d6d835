import { isIP } from 'node:net';
import type { ExplainRequest } from '../../core/ipc/views.ts';
import { parseHeaderField, parseRequestUrl } from './requestUrl.ts';

/** A request to explain, or which query parameter is wrong and how. */
export type ExplainQuery =
  | { readonly ok: true; readonly request: ExplainRequest }
  | { readonly ok: false; readonly parameter: string; readonly message: string };

const PARAMETERS = ['url', 'method', 'header', 'client'];
const MAX_VALUES = 100;
const MAX_VALUE_CHARS = 8192;

/**
 * Reads the query of `/api/v1/explain`: `url` (absolute, http or https), `method` (default GET), `header` (`name: value`,
 * repeatable), `client` (address to assume, default 127.0.0.1). `query` is what a query string parser gives: text, or
 * a list of texts for a name that was repeated.
 */
export function decodeExplainQuery(query: unknown): ExplainQuery {
  const values = valuesByName(query);
  const unknown = [...values.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) return refuse(unknown, `unknown parameter; there are ${PARAMETERS.join(', ')}`);
  for (const [name, texts] of values) {
    if (name !== 'header' && texts.length > 1) return refuse(name, 'must be given once');
    if (texts.length > MAX_VALUES || texts.some((text) => text.length > MAX_VALUE_CHARS)) return refuse(name, 'is too long');
  }
  return decodeRequest(values);
}

function decodeRequest(values: ReadonlyMap<string, readonly string[]>): ExplainQuery {
  const url = parseRequestUrl(values.get('url')?.[0] ?? '');
  if (url === null) return refuse('url', 'must be an absolute URL such as http://shop.test/cart?id=1');
  const method = values.get('method')?.[0] ?? 'GET';
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/.test(method)) return refuse('method', 'must be a method such as GET');
  const headers = (values.get('header') ?? []).map(parseHeaderField);
  const clientAddress = values.get('client')?.[0] ?? '127.0.0.1';
  if (isIP(clientAddress) === 0) return refuse('client', 'must be an IP address');
  const good = headers.filter((header) => header !== null);
  if (good.length < headers.length) return refuse('header', 'must be "name: value"');
  return { ok: true, request: { ...url, method, headers: good, clientAddress } };
}

/** parameter → its values. Anything that is not text is left out, as no query string can carry it. */
function valuesByName(query: unknown): ReadonlyMap<string, readonly string[]> {
  const entries: [string, unknown][] = typeof query === 'object' && query !== null ? Object.entries(query) : [];
  return new Map(
    entries.map(([name, value]) => {
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      return [name, list.filter((text) => typeof text === 'string')];
    }),
  );
}

function refuse(parameter: string, message: string): ExplainQuery {
  return { ok: false, parameter, message };
}
