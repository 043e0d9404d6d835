/** The text of one document of a manifest file. */
export interface DocumentText {
  readonly text: string;
  /** Line of the file that the text begins in, from 1. */
  readonly firstLine: number;
}

/**
 * Cuts a YAML stream into its documents. A line that begins with `---` or `...` ends a document wherever it stands, even
 * inside a block or quoted scalar (YAML 1.2.2 rule c-forbidden), so lines are all that has to be looked at. Directives and
 * comments in front of a `---` stay with the document that follows.
 */
export function splitYaml(text: string): DocumentText[] {
  const documents: DocumentText[] = [];
  let start = { offset: 0, line: 1 };
  let open = false;
  const cut = (offset: number, line: number): void => {
    if (open) documents.push({ text: text.slice(start.offset, offset), firstLine: start.line });
    start = { offset, line };
    open = false;
  };
  for (let offset = 0, line = 1; offset < text.length; line += 1) {
    const newline = text.indexOf('\n', offset);
    const end = newline === -1 ? text.length : newline + 1;
    if (isMarker(text, offset, '---')) {
      if (open) cut(offset, line);
      open = true;
    } else if (isMarker(text, offset, '...')) {
      cut(end, line + 1);
    } else {
      open ||= !isPrelude(text, offset, end);
    }
    offset = end;
  }
  cut(text.length, 0);
  return documents;
}

/** Cuts a text of one or more JSON values into the texts of each; what does not balance is left to the parser to refuse. */
export function splitJson(text: string): DocumentText[] {
  const documents: DocumentText[] = [];
  let start: { offset: number; line: number } | null = null;
  let depth = 0;
  let quoted = false;
  for (let offset = 0, line = 1; offset < text.length; offset += 1) {
    const char = text[offset];
    if (char === '\n') line += 1;
    if (quoted) {
      if (char === '\\') offset += 1;
      else quoted = char !== '"';
      continue;
    }
    if (char === ' ' || char === '\t' || char === '\r' || char === '\n') continue;
    start ??= { offset, line };
    if (char === '"') quoted = true;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    if (depth !== 0 || (char !== '}' && char !== ']')) continue;
    documents.push({ text: text.slice(start.offset, offset + 1), firstLine: start.line });
    start = null;
  }
  if (start !== null) documents.push({ text: text.slice(start.offset), firstLine: start.line });
  return documents;
}

function isMarker(text: string, offset: number, marker: string): boolean {
  if (!text.startsWith(marker, offset)) return false;
  const next = text[offset + marker.length];
  return next === undefined || next === '\n' || next === '\r' || next === ' ' || next === '\t';
}

/** Blank, comment or directive: what may stand in front of a document. */
function isPrelude(text: string, offset: number, end: number): boolean {
  if (text[offset] === '%') return true;
  for (let index = offset; index < end; index += 1) {
    const char = text[index];
    if (char === '#') return true;
    if (char !== ' ' && char !== '\t' && char !== '\r' && char !== '\n') return false;
  }
  return true;
}
