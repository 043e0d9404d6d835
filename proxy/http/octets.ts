/**
 * Octet classes of RFC 9110 and RFC 3986 as look-up tables indexed by octet. Shared by every HTTP parser here; never
 * written to.
 */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** tchar (RFC 9110 section 5.6.2): the octet in lower case; 0 for everything that is no tchar. */
export const TOKEN_OCTETS: Uint8Array = tableOf((octet) => {
  if (octet >= 0x41 && octet <= 0x5a) return octet + 0x20;
  return isAlphanumeric(octet) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(octet)) ? octet : 0;
});

/** field-vchar, SP and HTAB (RFC 9110 section 5.5), obs-text included: 1; controls and DEL: 0. */
export const FIELD_TEXT_OCTETS: Uint8Array = tableOf((octet) =>
  octet === HTAB || (octet >= SP && octet !== 0x7f) ? 1 : 0,
);

/** Value of a HEXDIG (RFC 5234 B.1); 255 for everything else. */
export const HEX_VALUES: Uint8Array = tableOf((octet) => {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return octet < 0x80 && lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : 255;
});

/** True for a token (RFC 9110 section 5.6.2); false for the empty string. */
export function isToken(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f || TOKEN_OCTETS[code] === 0) return false;
  }
  return text.length > 0;
}

/** Builds a 256-entry table from a rule for one octet. */
export function tableOf(rule: (octet: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => rule(octet));
}

/** ALPHA / DIGIT (RFC 5234 B.1). */
export function isAlphanumeric(octet: number): boolean {
  return (
    (octet >= 0x30 && octet <= 0x39) || (octet >= 0x41 && octet <= 0x5a) || (octet >= 0x61 && octet <= 0x7a)
  );
}
