const HEADED = new Set(['time', 'level', 'name', 'message']);
// Controls, format characters (text direction) and Unicode line ends: what could forge a line or drive a terminal.
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const PLAIN = /^[\w.:/@*+-]+$/;

/**
 * One JSON log line as a person reads it: `TIME LEVEL name: message key=value …`, ending in a newline. Control
 * characters are escaped, so that text from outside cannot forge a second line. An error's stack is kept, escaped.
 */
export function printTextLine(jsonLine: string): string {
  const record = parse(jsonLine);
  if (record === null) return `${escapeControl(jsonLine.trimEnd())}\n`;
  const words = [
    text(record.get('time')),
    text(record.get('level')).toUpperCase().padEnd(5),
    `${text(record.get('name'))}:`,
    escapeControl(text(record.get('message'))),
  ];
  for (const [key, value] of record) if (!HEADED.has(key)) words.push(`${escapeControl(key)}=${printField(value)}`);
  return `${words.join(' ')}\n`;
}

function parse(line: string): ReadonlyMap<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : null;
  } catch {
    return null;
  }
}

function printField(value: unknown): string {
  if (isError(value)) return printField(value.stack);
  if (typeof value === 'string' && PLAIN.test(value)) return value;
  return escapeControl(JSON.stringify(value));
}

function isError(value: unknown): value is { readonly stack: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && typeof value.stack === 'string';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function escapeControl(value: string): string {
  return value.replace(CONTROL, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
