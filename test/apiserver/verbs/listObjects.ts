import { ApiError, badRequest, expired, invalid, tooLargeResourceVersion } from '../apiError.ts';
import { forbiddenField, type FieldError } from '../fieldError.ts';
import type { KubeObject } from '../json.ts';
import { keyOf, present, type ResourceType } from '../resourceType.ts';
import { fieldSelector, parseFieldSelector, parseLabelSelector, type FieldRequirement, type Selector } from '../selectors.ts';
import type { Engine, Target } from './engine.ts';

/** Query of a list, watch or deletecollection (meta/v1 ListOptions), as it came. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  /** 0: none given. */
  readonly timeoutSeconds: number;
  /** null: not given. */
  readonly sendInitialEvents: boolean | null;
}

/** Options of a list of everything. */
export const NO_OPTIONS: ListOptions = {
  labelSelector: '', fieldSelector: '', limit: 0, continue: '', resourceVersion: '', resourceVersionMatch: '', watch: false,
  allowWatchBookmarks: false, timeoutSeconds: 0, sendInitialEvents: null,
};

/** A page of a list, in the version that was asked for. */
export interface ListPage {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly continue: string;
  /** null: not known, as selectors are used. */
  readonly remaining: number | null;
}

/** What selects objects of a request, with the namespace and name it is limited to. */
export function selectorOf({ type, version, name }: Target, options: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>): Selector {
  const labels = parseLabelSelector(options.labelSelector);
  const fields = fieldSelector(parseFieldSelector(options.fieldSelector), fieldsOf(type));
  return (stored) => {
    const object = present(type, version, stored);
    return (name === '' || object.metadata.name === name) && labels(object) && fields(object);
  };
}

function fieldsOf(type: ResourceType): ReadonlyMap<string, (object: KubeObject) => string> {
  const fields = new Map(type.selectableFields);
  fields.set('metadata.name', ({ metadata }) => metadata.name);
  if (type.namespaced) fields.set('metadata.namespace', ({ metadata }) => metadata.namespace ?? '');
  return fields;
}

/** The name a request is limited to by `metadata.name=…`; empty: none. Authorization knows it as the name (resourceNames). */
export function selectedName(selector: string): string {
  const found = parseFieldSelector(selector).find(({ field, negated }: FieldRequirement) => field === 'metadata.name' && !negated);
  return found?.value ?? '';
}

/** Keys begin with this. */
export function prefixOf({ type, namespace }: Target): string {
  return type.namespaced && namespace !== '' ? `${namespace}/` : '';
}

/** Throws 422 for options that do not go together (apimachinery ValidateListOptions). */
export function checkListOptions(options: ListOptions): void {
  const errors: FieldError[] = [];
  const { resourceVersionMatch: match, resourceVersion, sendInitialEvents } = options;
  if (options.watch) {
    if (match !== '' && sendInitialEvents === null) {
      errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
    }
    if (sendInitialEvents !== null && match !== 'NotOlderThan') {
      errors.push(forbiddenField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
    }
  } else {
    if (sendInitialEvents !== null) errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
    errors.push(...matchErrors(match, resourceVersion, options.continue));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' }, '', errors);
}

function matchErrors(match: string, resourceVersion: string, token: string): FieldError[] {
  if (match === '') return [];
  if (token !== '') return [forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided')];
  if (resourceVersion === '') return [forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided')];
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    return [{ rule: 'notSupported', field: 'resourceVersionMatch', value: match, detail: 'supported values: "Exact", "NotOlderThan", ""' }];
  }
  if (match === 'Exact' && resourceVersion === '0') {
    return [forbiddenField('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')];
  }
  return [];
}

/** A revision as clients write it; throws 500 for anything else. */
export function parseRevision(resourceVersion: string): number {
  if (!/^\d{1,19}$/.test(resourceVersion)) {
    // The real server has no better status for it.
    const quoted = JSON.stringify(resourceVersion);
    throw new ApiError(500, '', `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`);
  }
  return Number(resourceVersion);
}

interface Cursor {
  /** Revision of the first page; -1: whatever is there now. */
  readonly rv: number;
  /** First key that may come. */
  readonly start: string;
}

const TOKEN_VERSION = 'meta.k8s.io/v1';

function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify({ v: TOKEN_VERSION, ...cursor })).toString('base64url');
}

function decodeCursor(token: string): Cursor {
  try {
    const parsed = JSON.parse(Buffer.from(token, 'base64url').toString()) as { v?: unknown; rv?: unknown; start?: unknown };
    if (parsed.v === TOKEN_VERSION && typeof parsed.rv === 'number' && typeof parsed.start === 'string') return { rv: parsed.rv, start: parsed.start };
  } catch {
    // Reported as any other token that is none.
  }
  throw badRequest('invalid continue token: continue key is not valid');
}

const TOO_OLD = 'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with ' +
  'the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the ' +
  'first chunk was returned and now may show up in the list.';

/** GET of a collection. Throws ApiError: 410 for a revision or a token that is compacted, 504 for one that is not there yet. */
export function listObjects(engine: Engine, target: Target, options: ListOptions): ListPage {
  checkListOptions(options);
  const { storage } = engine;
  const { type, version } = target;
  const selector = selectorOf(target, options);
  const cursor = options.continue === '' ? null : decodeCursor(options.continue);
  if (cursor !== null && options.resourceVersion !== '' && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const revision = revisionOf(engine, options, cursor);
  const at = storage.listAt(type.table, prefixOf(target), revision);
  if (at === null) throw tooOld(cursor, revision);
  const rest = cursor === null ? at : at.filter(({ metadata }) => keyOf(type, metadata.namespace ?? '', metadata.name) >= cursor.start);
  // The watch cache answers lists of revision 0, and knows no pages.
  const limit = options.resourceVersion === '0' && cursor === null ? 0 : options.limit;
  return pageOf(rest, { selector, limit, revision, target, version, selects: options.labelSelector !== '' || options.fieldSelector !== '' });
}

function revisionOf({ storage }: Engine, options: ListOptions, cursor: Cursor | null): number {
  const current = storage.revision();
  if (cursor !== null) return cursor.rv < 0 ? current : cursor.rv;
  const { resourceVersion, resourceVersionMatch: match } = options;
  if (resourceVersion === '' || resourceVersion === '0') return current;
  const wanted = parseRevision(resourceVersion);
  if (wanted > current) throw tooLargeResourceVersion(wanted, current);
  return match === 'Exact' || (match === '' && options.limit > 0) ? wanted : current;
}

function tooOld(cursor: Cursor | null, revision: number): ApiError {
  if (cursor === null) return expired(`The resourceVersion for the provided list is too old: ${revision}`);
  const error = expired(TOO_OLD);
  // What the answer's metadata carries, so that a client may go on without consistency.
  return Object.assign(error, { continueToken: encodeCursor({ rv: -1, start: cursor.start }) });
}

interface Paging {
  readonly selector: Selector;
  readonly limit: number;
  readonly revision: number;
  readonly target: Target;
  readonly version: string;
  readonly selects: boolean;
}

function pageOf(objects: readonly KubeObject[], { selector, limit, revision, target, version, selects }: Paging): ListPage {
  const items: KubeObject[] = [];
  let next = -1;
  for (const [index, object] of objects.entries()) {
    if (!selector(object)) continue;
    if (limit > 0 && items.length === limit) {
      next = index;
      break;
    }
    items.push(present(target.type, version, object));
  }
  const following = next < 0 ? undefined : objects[next];
  const start = following === undefined ? '' : keyOf(target.type, following.metadata.namespace ?? '', following.metadata.name);
  return {
    items, resourceVersion: String(revision), continue: start === '' ? '' : encodeCursor({ rv: revision, start }),
    remaining: start === '' || selects ? null : objects.length - next,
  };
}
