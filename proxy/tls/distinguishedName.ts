/** Everything but printable ASCII. */
const NOT_PRINTABLE = /[^\x20-\x7e]/gu;

/**
 * The name of a certificate by RFC 2253, as nginx gives it (`CN=web,O=Shop`): last attribute first, everything outside ASCII
 * escaped as its UTF-8 octets, so that it can be a field value. `subject`: what `X509Certificate.subject` or `.issuer`
 * gives, one attribute a line, first one first, values escaped by RFC 2253 already.
 */
export function distinguishedName(subject: string | undefined): string {
  return linesOf(subject)
    .toReversed()
    .map((line) => line.split(' + ').toReversed().map(escapeOctets).join('+'))
    .join(',');
}

/** Values of the common names in a name by RFC 2253, escapes as they stand. */
export function commonNames(distinguishedName: string): readonly string[] {
  return attributesOf(distinguishedName)
    .filter((attribute) => attribute.startsWith('CN='))
    .map((attribute) => attribute.slice(3));
}

/** Splits at commas and plus signs that no backslash escapes. */
function attributesOf(name: string): readonly string[] {
  const attributes: string[] = [];
  let start = 0;
  for (let index = 0; index < name.length; index += 1) {
    const character = name[index];
    if (character === '\\') index += 1;
    if (character !== ',' && character !== '+') continue;
    attributes.push(name.slice(start, index));
    start = index + 1;
  }
  return [...attributes, name.slice(start)];
}

function linesOf(subject: string | undefined): readonly string[] {
  return subject === undefined || subject === '' ? [] : subject.split('\n');
}

function escapeOctets(text: string): string {
  return text.replaceAll(NOT_PRINTABLE, (character) =>
    Buffer.from(character).toString('hex').toUpperCase().replaceAll(/../g, (octet) => `\\${octet}`),
  );
}
