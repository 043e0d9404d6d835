import { COMMUNITY_NAME_CHARS } from './advertisementBounds.ts';
import type { TextForm } from './textForm.ts';

const MAX_UINT16 = 65_535;
const MAX_UINT32 = 4_294_967_295;
const NAME = /^[!-9;-~]+$/;
const STANDARD = /^\d{1,5}:\d{1,5}$/;
const LARGE = /^large(?::\d{1,10}){3}$/;

/** A BGP community: two numbers of 16 bits (RFC 1997), or `large:` and three of 32 bits (RFC 8092). */
export const COMMUNITY_VALUE: TextForm = {
  rule: 'must be a BGP community such as "65535:65281" or "large:64512:1:2"',
  matches: (text) => {
    if (STANDARD.test(text)) return text.split(':').every((part) => Number(part) <= MAX_UINT16);
    return LARGE.test(text) && text.split(':').slice(1).every((part) => Number(part) <= MAX_UINT32);
  },
};

/** What a Community object may call a community. */
export const COMMUNITY_NAME: TextForm = {
  rule: `must be at most ${COMMUNITY_NAME_CHARS} characters of printable ASCII without blanks and ":"`,
  matches: (text) => text.length <= COMMUNITY_NAME_CHARS && NAME.test(text),
};

/** A community, or the name a Community object gives it. */
export const COMMUNITY: TextForm = {
  rule: `${COMMUNITY_VALUE.rule} or the name of one in a Community object`,
  matches: (text) => COMMUNITY_VALUE.matches(text) || COMMUNITY_NAME.matches(text),
};
