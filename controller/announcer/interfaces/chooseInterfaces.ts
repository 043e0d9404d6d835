import type { IpFamily } from '../../../core/net/ipAddress.ts';
import type { L2Interface, Link } from '../parts.ts';
import type { InterfaceReport } from '../report.ts';
import type { InterfaceSurvey, SurveyedLink } from './surveyInterfaces.ts';

/** The interfaces that announce a VIP, and why the others do not. */
export interface InterfaceChoice {
  /** Sorted by index; empty: this node cannot announce it. */
  readonly chosen: readonly L2Interface[];
  /** Name → why not, in words. */
  readonly unused: ReadonlyMap<string, string>;
}

/**
 * Chooses by `wish`: names, `/regular expressions/` (RE2, anywhere in the name) and `can_reach:<ip>` (the interface of the route to
 * it); empty: every interface that is not excluded. Who belongs to a bond, bridge or team stands for that. An excluded interface
 * is used only when it, or who belongs to it, is named.
 */
export function chooseInterfaces(survey: InterfaceSurvey, wish: readonly string[], family: IpFamily): InterfaceChoice {
  const wanted = wish.length === 0 ? survey.links.map((surveyed): Wanted => ({ surveyed, isNamed: false })) : findWanted(survey, wish);
  const wantedIndexes = new Set(wanted.map(({ surveyed }) => surveyed.link.index));
  const namedIndexes = new Set(wanted.filter(({ isNamed }) => isNamed).map(({ surveyed }) => surveyed.link.index));
  const chosen: L2Interface[] = [];
  const unused = new Map<string, string>();
  for (const surveyed of survey.links) {
    const { index, name, mac } = surveyed.link;
    const reason = wantedIndexes.has(index)
      ? whyNot(surveyed, namedIndexes.has(index)) || whyNotFor(surveyed.link, family)
      : surveyed.obstacle || 'is not among the interfaces asked for';
    if (reason === '') chosen.push({ index, name, mac });
    else unused.set(name, reason);
  }
  return { chosen, unused };
}

/** All interfaces for people to see: used are those that one of `wishes` chooses for one family at least. */
export function describeInterfaces(survey: InterfaceSurvey, wishes: readonly (readonly string[])[]): readonly InterfaceReport[] {
  const choices = (wishes.length === 0 ? [[]] : wishes).flatMap((wish) => FAMILIES.map((family) => chooseInterfaces(survey, wish, family)));
  return survey.links.map(({ link: { name, mac, up } }) => {
    const reasons = choices.map(({ unused }) => unused.get(name) ?? '');
    return { name, mac, up, unused: reasons.includes('') ? '' : reasons[0] ?? '' };
  });
}

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];
const CAN_REACH = 'can_reach:';

interface Wanted {
  readonly surveyed: SurveyedLink;
  readonly isNamed: boolean;
}

function findWanted(survey: InterfaceSurvey, wish: readonly string[]): readonly Wanted[] {
  return wish.flatMap((one): readonly Wanted[] => {
    const isNamed = !one.startsWith('/') && !one.startsWith(CAN_REACH);
    return findMatches(survey, one)
      .filter(({ excludedBy }) => isNamed || excludedBy === null)
      .map((surveyed) => ({ surveyed: survey.byIndex.get(surveyed.representative) ?? surveyed, isNamed }));
  });
}

function findMatches(survey: InterfaceSurvey, one: string): readonly SurveyedLink[] {
  if (one.startsWith(CAN_REACH)) return findByRoute(survey, one.slice(CAN_REACH.length));
  if (!one.startsWith('/')) return survey.links.filter(({ link }) => link.name === one);
  return survey.links.filter(({ link }) => survey.matches(one, link.name));
}

function findByRoute(survey: InterfaceSurvey, address: string): readonly SurveyedLink[] {
  const found = survey.byIndex.get(survey.routeTo(address) ?? 0);
  if (found === undefined) return [];
  if (!found.link.loopback) return [found];
  // An address of this machine, as on the node that is itself the gateway: the route leads through lo.
  return survey.links.filter(({ link }) => !link.loopback && link.addresses.some((own) => own.address === address));
}

function whyNot({ link, obstacle, excludedBy }: SurveyedLink, isNamed: boolean): string {
  if (obstacle !== '') return obstacle;
  if (excludedBy !== null && !isNamed) return `is excluded by the pattern ${excludedBy}: name it to use it`;
  return link.up ? '' : 'is down, or has no carrier';
}

function whyNotFor(link: Link, family: IpFamily): string {
  if (family === 'IPv4') return link.broadcast ? '' : 'cannot broadcast, as ARP must';
  const canSpeak = link.addresses.some(({ address, usable }) => usable && LINK_LOCAL.test(address));
  return canSpeak ? '' : 'has no usable link-local address (fe80::/10), as NDP must';
}

/** Canonical text; `fe8::` is another. */
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/;
