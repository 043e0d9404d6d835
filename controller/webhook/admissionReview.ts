import { entryOf, isPlainMap, type PlainMap } from '../decode/plainMap.ts';
import { isWithinDepth } from './jsonDepth.ts';
import type { ReviewRequest } from './reviewInput.ts';

/** The one version of AdmissionReview that is spoken, in and out. */
const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';

/** A UUID has 36 characters. */
const MAX_UID_CHARS = 128;
/** Of group, kind and the like. */
const MAX_NAME_CHARS = 253;
/** CRDs of others reach 30 or so. */
const MAX_DEPTH = 100;

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;

/** An AdmissionReview request. */
export interface AdmissionRequest extends ReviewRequest {
  /** Repeated in the answer. */
  readonly uid: string;
}

/** The request, or the rule that the octets break. */
export type AdmissionReading =
  | { readonly ok: true; readonly request: AdmissionRequest }
  | { readonly ok: false; readonly rule: string };

/** What is answered. */
export interface AdmissionAnswer {
  readonly uid: string;
  readonly allowed: boolean;
  /** Shown to whoever asked for a change that is denied; empty when it is allowed. */
  readonly message: string;
  readonly warnings: readonly string[];
}

/** Reads an AdmissionReview. Objects in it stay `unknown`: their decoders know what they may hold. */
export function readAdmissionReview(octets: Buffer): AdmissionReading {
  if (!isWithinDepth(octets, MAX_DEPTH)) return refuse(`must be nested at most ${MAX_DEPTH} deep`);
  const review = parse(octets);
  if (!isPlainMap(review)) return refuse('must be a JSON object');
  if (entryOf(review, 'apiVersion') !== API_VERSION || entryOf(review, 'kind') !== KIND) {
    return refuse(`must be an ${KIND} of ${API_VERSION}`);
  }
  const request = entryOf(review, 'request');
  return isPlainMap(request) ? readRequest(request) : refuse('must have a request');
}

/** The answer as an AdmissionReview. A denial is what ingress-nginx says: every kubectl shows its message. */
export function printAdmissionReview({ uid, allowed, message, warnings }: AdmissionAnswer): string {
  const response = {
    uid,
    allowed,
    ...(allowed ? {} : { status: { status: 'Failure', code: 400, reason: 'BadRequest', message } }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  return JSON.stringify({ apiVersion: API_VERSION, kind: KIND, response });
}

function readRequest(request: PlainMap): AdmissionReading {
  const uid = textOf(request, 'uid', MAX_UID_CHARS);
  const operation = OPERATIONS.find((word) => word === entryOf(request, 'operation'));
  const type = entryOf(request, 'kind');
  const kind = isPlainMap(type) ? textOf(type, 'kind', MAX_NAME_CHARS) : null;
  const group = isPlainMap(type) ? textOf(type, 'group', MAX_NAME_CHARS) : null;
  const subResource = textOf(request, 'subResource', MAX_NAME_CHARS);
  if (uid === null || uid === '') return refuse('must have a request.uid');
  if (operation === undefined) return refuse(`must have a request.operation: ${OPERATIONS.join(', ')}`);
  if (kind === null || group === null || subResource === null) return refuse('must have a request.kind');
  const object = entryOf(request, 'object');
  const oldObject = entryOf(request, 'oldObject');
  return { ok: true, request: { uid, operation, group, kind, subResource, object, oldObject } };
}

/** Empty when it is absent; null when it is no text of that length. */
function textOf(map: PlainMap, key: string, maxChars: number): string | null {
  const value = entryOf(map, key) ?? '';
  return typeof value === 'string' && value.length <= maxChars ? value : null;
}

function parse(octets: Buffer): unknown {
  try {
    return JSON.parse(octets.toString('utf8')) as unknown;
  } catch {
    // Where the text breaks says nothing to an API server, and would repeat what was sent.
    return null;
  }
}

function refuse(rule: string): AdmissionReading {
  return { ok: false, rule };
}
