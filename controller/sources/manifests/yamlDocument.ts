import { Composer, LineCounter, Parser, type Document, type ErrorCode } from 'yaml';

/** A YAML document as its syntax tree, with the way from offsets to lines. */
export interface YamlDocument {
  readonly tree: Document.Parsed;
  /** Line of an offset, from 1, in the text that was parsed. */
  lineAt(offset: number): number;
}

/** Why a text cannot be used. Never quotes the text: it may be a Secret's. */
export interface TextFault {
  readonly rule: string;
  /** Line in the text that was parsed, from 1. */
  readonly line: number;
}

/** Either the result or the first fault. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: TextFault };

/** What the parser's codes mean to somebody who edits the file. */
const RULES: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'must be valid YAML: this alias is malformed',
  BAD_DIRECTIVE: 'must be valid YAML: this directive is malformed',
  BAD_DQ_ESCAPE: 'must be valid YAML: unknown escape in a double-quoted string',
  BAD_INDENT: 'must be valid YAML: the indentation does not fit the lines above, or a bracket is not closed',
  BAD_SCALAR_START: 'must be valid YAML: a value that begins with this character must be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'must be valid YAML: a map cannot begin inside a line of another; a value with ": " must be quoted',
  BLOCK_IN_FLOW: 'must be valid YAML: no block inside { } or [ ]',
  MISSING_CHAR: 'must be valid YAML: a closing quote, a bracket, a comma or a colon is missing',
  MULTILINE_IMPLICIT_KEY: 'must be valid YAML: a key must stand on one line; is the ":" missing?',
  MULTIPLE_DOCS: 'must be valid YAML: "---" is missing between two documents',
  NON_STRING_KEY: 'must have strings as keys; a "{{ }}" template must be rendered first',
  RESOURCE_EXHAUSTION: 'must not be nested this deeply',
  TAB_AS_INDENT: 'must be valid YAML: a tab cannot indent, use spaces',
};
const ANY_RULE = 'must be valid YAML';

/**
 * Parses the text of one document. Duplicate keys are not looked for here (the library compares every key with every
 * other); `readYamlValue` does that.
 */
export function parseYaml(text: string): Parsed<YamlDocument> {
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, stringKeys: true, logLevel: 'silent' });
  let tree: Document.Parsed | null = null;
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    // A text full of stray tokens would give one error each.
    if (token.type === 'error') return { ok: false, fault: { rule: ANY_RULE, line: lineAt(token.offset) } };
    for (const document of composer.next(token)) tree = document;
  }
  for (const document of composer.end(true, text.length)) {
    const rule = RULES.MULTIPLE_DOCS ?? ANY_RULE;
    if (tree !== null) return { ok: false, fault: { rule, line: lineAt(document.range[0]) } };
    tree = document;
  }
  if (tree === null) return { ok: false, fault: { rule: ANY_RULE, line: 1 } };
  const error = tree.errors[0];
  if (error === undefined) return { ok: true, value: { tree, lineAt } };
  // What is missing is missed at the end of the text, behind its last line.
  const offset = Math.min(error.pos[0], Math.max(0, text.trimEnd().length - 1));
  return { ok: false, fault: { rule: RULES[error.code] ?? ANY_RULE, line: lineAt(offset) } };
}
