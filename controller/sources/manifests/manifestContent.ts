import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeObject, type Decoded } from '../../decode/decodeObject.ts';
import { splitJson, splitYaml, type DocumentText } from './documentSplit.ts';
import { expandList } from './kubeList.ts';
import { ManifestDocument, ManifestOrigin } from './manifestDocument.ts';
import type { TextFault } from './yamlDocument.ts';
import { readYamlValue } from './yamlValue.ts';
import type { Problem, SourcePosition } from '../../../core/ir/problem.ts';

/** One object that a document holds. */
export interface ManifestEntry {
  readonly decoded: Decoded;
  readonly origin: ManifestOrigin;
}

/** One document with its objects. */
interface DecodedDocument {
  readonly document: ManifestDocument;
  readonly entries: readonly ManifestEntry[];
  /** Where the document stood when its problems were written. */
  readonly decodedAtLine: number;
}

/** All documents of one file. */
export type ManifestContent = readonly DecodedDocument[];

/** A reading of one file: its documents, or why it cannot be used. */
export type ContentReading =
  | { readonly ok: true; readonly content: ManifestContent }
  | { readonly ok: false; readonly problem: Problem };

const NUL_RULE = 'must be text: it holds a NUL character';
const KEPT_EFFECT = 'the file is not taken; its last good content, if it has any, stays in use';

/** A file is worked on in slices of this length, so that a large one does not hold up the admin API. */
const SLICE_MS = 10;

/**
 * Decodes the text of one file. Documents whose text stands in `previous` too are taken from there. One syntax error
 * spoils the file, as what follows it may mean anything.
 */
export async function readContent(file: string, text: string, previous: ManifestContent): Promise<ContentReading> {
  const nul = text.indexOf('\0');
  if (nul !== -1) return { ok: false, problem: fileProblem({ file, line: lineAt(text, nul) }, NUL_RULE) };
  const known = new Map(previous.map((decoded) => [decoded.document.text, decoded]));
  const reused: [ManifestDocument, DocumentText][] = [];
  const content: DecodedDocument[] = [];
  let sliceStart = performance.now();
  for (const place of file.endsWith('.json') ? splitJson(text) : splitYaml(text)) {
    const old = known.get(place.text);
    if (old !== undefined) {
      known.delete(place.text);
      content.push(old);
      reused.push([old.document, place]);
      continue;
    }
    const reading = readDocument(new ManifestDocument(file, place));
    if (!reading.ok) return reading;
    content.push(...reading.content);
    if (performance.now() - sliceStart < SLICE_MS) continue;
    await nextTurn();
    sliceStart = performance.now();
  }
  // Only now: a file that is refused half-way must leave its last good content as it was.
  for (const [document, place] of reused) document.moveTo(place);
  return { ok: true, content };
}

/** A problem with a file as a whole. */
export function fileProblem(position: SourcePosition, rule: string): Problem {
  return { severity: 'error', object: null, position, field: '', rule, value: '', effect: KEPT_EFFECT };
}

/** Problems of all objects of a file, with the lines that they stand in now. */
export function contentProblems(content: ManifestContent): Problem[] {
  return content.flatMap(({ document, entries, decodedAtLine }) => {
    const shift = document.firstLine - decodedAtLine;
    return entries.flatMap((entry) => entry.decoded.problems.map((problem) => shiftLine(problem, shift)));
  });
}

function readDocument(document: ManifestDocument): ContentReading {
  const parsed = document.parse();
  if (!parsed.ok) return refuseText(document, parsed.fault);
  const value = readYamlValue(parsed.value);
  if (!value.ok) return refuseText(document, value.fault);
  const entries = expandList(value.value).map((item): ManifestEntry => {
    const origin = new ManifestOrigin(document, item.path);
    return { decoded: decodeObject(item.value, origin), origin };
  });
  return { ok: true, content: [{ document, entries, decodedAtLine: document.firstLine }] };
}

function refuseText(document: ManifestDocument, fault: TextFault): ContentReading {
  return { ok: false, problem: fileProblem(document.positionAt(fault.line), fault.rule) };
}

function shiftLine(problem: Problem, shift: number): Problem {
  if (shift === 0 || problem.position === null) return problem;
  return { ...problem, position: { ...problem.position, line: problem.position.line + shift } };
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let index = text.indexOf('\n'); index !== -1 && index < offset; index = text.indexOf('\n', index + 1)) line += 1;
  return line;
}
