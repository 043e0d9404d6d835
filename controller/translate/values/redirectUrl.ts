import { accept, refuse, type Parsed } from './parsed.ts';

const MAX_URL_CHARS = 2048;
const RULE = 'must be an absolute http or https URL without nginx variables';

/** A URL that stands in a Location header as it is written: absolute, visible ASCII, no user name or password. */
export function parseRedirectUrl(text: string): Parsed<string> {
  const written = text.trim();
  if (written.length > MAX_URL_CHARS || !/^https?:\/\/[\x21-\x7e]+$/i.test(written) || written.includes('$')) return refuse(RULE);
  const url = URL.parse(written);
  return url === null || url.username !== '' || url.password !== '' ? refuse(RULE) : accept(written);
}
