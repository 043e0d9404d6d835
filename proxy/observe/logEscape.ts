/** Anything but printable ASCII without `"` and `\`. */
const UNSAFE_TEXT = /[^ !#-[\]-~]/;
const UNSAFE_TEXT_RUNS = /[^ !#-[\]-~]+/g;
const BEYOND_LATIN1 = /[\u0100-\uffff]/;
const NON_ASCII = /[\u007f-\uffff]/;
const NON_ASCII_ALL = /[\u007f-\uffff]/g;

/**
 * A value for a text log line, escaped as nginx's `escape=default` does: `"`, `\`, control octets and everything above
 * 0x7E become `\xHH`, so that no value can end its field or its line. Characters beyond latin1, which only names of
 * Kubernetes objects can hold, are written as their UTF-8 octets.
 */
export function escapeText(value: string): string {
  return UNSAFE_TEXT.test(value) ? value.replace(UNSAFE_TEXT_RUNS, hexOctets) : value;
}

/**
 * A value as JSON in ASCII. Octets above 0x7E stand as `\u00HH`, whatever encoding the client meant: the line is valid
 * for every input, and the octets can be had back from it.
 */
export function escapeJson(value: unknown): string {
  const json = JSON.stringify(value);
  return NON_ASCII.test(json) ? json.replace(NON_ASCII_ALL, unicodeEscape) : json;
}

function hexOctets(run: string): string {
  let escaped = '';
  for (const octet of octetsOf(run)) escaped += `\\x${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  return escaped;
}

function octetsOf(run: string): Buffer {
  return Buffer.from(run, BEYOND_LATIN1.test(run) ? 'utf8' : 'latin1');
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
