import { RE2JS } from 're2js';
import type { Link } from '../parts.ts';

/** What is known about all interfaces before any VIP asks: made once per change, used for every VIP. */
export interface InterfaceSurvey {
  /** Sorted by index. */
  readonly links: readonly SurveyedLink[];
  readonly byIndex: ReadonlyMap<number, SurveyedLink>;
  /** Index of the interface that the route to an address leads through; null: no route. */
  readonly routeTo: (address: string) => number | null;
  /** Whether the wish `/regular expression/` is fulfilled by a name; one that is no regular expression never is. */
  readonly matches: (wish: string, name: string) => boolean;
}

export interface SurveyedLink {
  readonly link: Link;
  /** Why it can never announce, in words; empty: it can. */
  readonly obstacle: string;
  /** The first pattern that excludes it; null: none does. */
  readonly excludedBy: string | null;
  /** Index of the interface that is used in its place: of the bond, bridge or team it belongs to, else its own. */
  readonly representative: number;
}

/** What a survey is made of. */
export interface InterfaceFacts {
  readonly links: readonly Link[];
  /** RE2 patterns, found anywhere in the name. One that cannot be compiled excludes nothing. */
  readonly excluded: readonly string[];
  readonly routeTo: (address: string) => number | null;
}

/** A bond of VLANs in a bridge is three; the kernel allows eight. */
const MAX_NESTING = 8;
/** Belonging to a VRF decides which routes count, not who speaks on the wire. */
const VRF = 'vrf';

/** Looks at every interface once. Pure but for `routeTo`, which is asked later. */
export function surveyInterfaces({ links, excluded, routeTo }: InterfaceFacts): InterfaceSurvey {
  const byLinkIndex = new Map(links.map((link) => [link.index, link]));
  const patterns = excluded.flatMap((text) => {
    const pattern = compile(text);
    return pattern === null ? [] : [{ text, pattern }];
  });
  const surveyed = links.map((link): SurveyedLink => {
    const representative = findRepresentative(link, byLinkIndex);
    return {
      link,
      obstacle: findObstacle(link, representative),
      excludedBy: patterns.find(({ pattern }) => pattern.test(link.name))?.text ?? null,
      representative: representative?.index ?? link.index,
    };
  });
  return { links: surveyed, byIndex: new Map(surveyed.map((one) => [one.link.index, one])), routeTo, matches: createMatcher() };
}

/** The last of those it belongs to; null: it cannot be found. */
function findRepresentative(link: Link, byIndex: ReadonlyMap<number, Link>): Link | null {
  let current = link;
  for (let depth = 0; depth < MAX_NESTING; depth += 1) {
    if (current.master === null) return current;
    const master = byIndex.get(current.master);
    if (master === undefined) return null;
    if (master.kind === VRF) return current;
    current = master;
  }
  return null;
}

function findObstacle(link: Link, representative: Link | null): string {
  if (link.loopback) return 'is a loopback interface';
  if (representative === null) return 'belongs to another interface, which cannot be seen from here';
  if (representative.index !== link.index) return `belongs to ${representative.name}, which stands for it`;
  if (link.mac === '') return 'has no Ethernet address';
  return link.noArp ? 'does not speak ARP (NOARP)' : '';
}

function createMatcher(): InterfaceSurvey['matches'] {
  /** By wish. */
  const compiled = new Map<string, RE2JS | null>();
  return (wish, name) => {
    const known = compiled.get(wish);
    const pattern = known === undefined ? compileWish(wish) : known;
    compiled.set(wish, pattern);
    return pattern?.test(name) ?? false;
  };
}

function compileWish(wish: string): RE2JS | null {
  return wish.length > 2 && wish.startsWith('/') && wish.endsWith('/') ? compile(wish.slice(1, -1)) : null;
}

/** Null where it is none: translation refuses such, and an older announcer may meet a newer syntax. */
function compile(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return null;
  }
}
