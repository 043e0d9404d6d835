import { ApiError, badRequest } from '../apiError.ts';
import { copy, isRecord, same, text, type JsonObject } from '../json.ts';

/** JSON patch (RFC 6902). Throws 400 for a patch that is none, 422 for one that does not fit `target`. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > 10_000) throw new ApiError(413, 'RequestEntityTooLarge', 'the allowed maximum operations in a JSON patch is 10000');
  const root = { value: copy(target) };
  for (const operation of patch) {
    if (!isRecord(operation)) throw badRequest('error decoding patch: an operation must be an object');
    apply(root, operation);
  }
  return root.value;
}

/** The server does not say why. */
function unprocessable(_why: string): ApiError {
  return new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

interface Root {
  value: unknown;
}

function apply(root: Root, operation: JsonObject): void {
  const path = pointer(text(operation['path']));
  switch (operation['op']) {
    case 'add':
      return put(root, path, copy(operation['value']), true);
    case 'remove':
      return remove(root, path);
    case 'replace':
      if (read(root, path) === undefined) throw unprocessable(`replace operation does not apply: doc is missing key: ${text(operation['path'])}`);
      return put(root, path, copy(operation['value']), false);
    case 'move': {
      const from = pointer(text(operation['from']));
      const value = existing(root, from);
      remove(root, from);
      return put(root, path, value, true);
    }
    case 'copy':
      return put(root, path, copy(existing(root, pointer(text(operation['from'])))), true);
    case 'test':
      if (!same(read(root, path) ?? null, operation['value'] ?? null)) {
        throw unprocessable(`testing value ${text(operation['path'])} failed`);
      }
      return;
    default:
      throw unprocessable(`Unexpected kind: ${text(operation['op'])}`);
  }
}

function pointer(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw unprocessable(`jsonpatch pointer must begin with / (got ${path})`);
  return path.slice(1).split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(root: Root, path: readonly string[]): unknown {
  let value: unknown = root.value;
  for (const token of path) {
    if (Array.isArray(value)) value = /^\d+$/.test(token) ? value[Number(token)] : undefined;
    else value = isRecord(value) && Object.hasOwn(value, token) ? value[token] : undefined;
  }
  return value;
}

function existing(root: Root, path: readonly string[]): unknown {
  const value = read(root, path);
  if (value === undefined) throw unprocessable(`doc is missing key: /${path.join('/')}`);
  return value;
}

function put(root: Root, path: readonly string[], value: unknown, insert: boolean): void {
  const token = path.at(-1);
  if (token === undefined) {
    root.value = value;
    return;
  }
  const parent = read(root, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = token === '-' ? parent.length : Number(token);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw unprocessable(`Unable to access invalid index: ${token}`);
    parent.splice(index, insert ? 0 : 1, value);
  } else if (isRecord(parent)) {
    parent[token] = value;
  } else {
    throw unprocessable(`add operation does not apply: doc is missing path: "/${path.join('/')}": missing value`);
  }
}

function remove(root: Root, path: readonly string[]): void {
  const token = path.at(-1);
  existing(root, path);
  const parent = read(root, path.slice(0, -1));
  if (token === undefined) root.value = null;
  else if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else if (isRecord(parent)) delete parent[token];
}
