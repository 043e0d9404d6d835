import type { Problem } from '../../../core/ir/problem.ts';
import type { PathMatch } from '../../../core/ir/virtualHost.ts';
import { ANY_HOST, parseHostPattern, type HostPattern } from '../../../core/net/hostPattern.ts';
import type { Ingress, IngressPath, IngressRule } from '../../model/ingress.ts';
import { matchKey, type PathClaim } from '../ingressPlan.ts';
import { problemOf, type Finding } from '../problemOf.ts';

/** Every request path of a host. */
export const WHOLE_HOST: PathMatch = { type: 'prefix', value: '/' };
const DEFAULT_BACKEND_FIELD = 'spec.defaultBackend';

/** What the rules of one Ingress ask for. */
export interface ExpandedRules {
  readonly hosts: readonly HostPattern[];
  readonly claims: readonly PathClaim[];
  readonly problems: readonly Problem[];
}

/** Claims under construction. */
interface Expansion {
  readonly ingress: Ingress;
  /** host → matches claimed so far → field that claims it. */
  readonly taken: Map<HostPattern, Map<string, string>>;
  readonly claims: PathClaim[];
  readonly problems: Problem[];
}

/**
 * Hosts and paths one Ingress asks for (networking/v1 IngressSpec): its paths; the default backend for rules without paths
 * of their own; and the default backend below whatever paths its hosts have, or for every host when there are no rules.
 * Of two equal paths in one Ingress the first counts.
 */
export function expandRules(ingress: Ingress): ExpandedRules {
  const expansion: Expansion = { ingress, taken: new Map(), claims: [], problems: [] };
  for (const rule of ingress.rules) expandRule(rule, expansion);
  if (ingress.rules.length === 0 && ingress.defaultBackend !== null) hostEntry(ANY_HOST, expansion);
  fillWithDefaultBackend(expansion);
  return { hosts: [...expansion.taken.keys()], claims: expansion.claims, problems: expansion.problems };
}

/** The path match of an Ingress path; a prefix without its trailing slash, as `/aaa/bbb/` takes `/aaa/bbb` too. */
export function pathMatchOf(path: IngressPath): PathMatch {
  switch (path.pathType) {
    case 'Exact':
      return { type: 'exact', value: path.path };
    case 'Prefix':
    case 'ImplementationSpecific':
      return { type: 'prefix', value: withoutTrailingSlashes(path.path) };
  }
}

function expandRule(rule: IngressRule, expansion: Expansion): void {
  const host = parseHostPattern(rule.host);
  if (host === null) {
    report(expansion, {
      severity: 'error',
      field: `${rule.field}.host`,
      rule: 'must be a DNS name, or "*." and a DNS name',
      value: rule.host,
      effect: 'the rule is left out',
    });
    return;
  }
  hostEntry(host, expansion);
  if (rule.paths === null) {
    claimWholeHost(rule, host, expansion);
    return;
  }
  for (const path of rule.paths) {
    claim(expansion, { host, match: pathMatchOf(path), backend: path.backend, field: path.field, origin: 'rule' });
  }
}

function claimWholeHost(rule: IngressRule, host: HostPattern, expansion: Expansion): void {
  const backend = expansion.ingress.defaultBackend;
  if (backend !== null) {
    claim(expansion, { host, match: WHOLE_HOST, backend, field: rule.field, origin: 'rule' });
    return;
  }
  report(expansion, {
    severity: 'warning',
    field: rule.field,
    rule: 'should have http paths, or the Ingress a defaultBackend',
    value: rule.host,
    effect: 'requests for this host are answered 404',
  });
}

function claim(expansion: Expansion, wanted: PathClaim): void {
  const matches = hostEntry(wanted.host, expansion);
  const key = matchKey(wanted.match);
  const holder = matches.get(key);
  if (holder === undefined) {
    matches.set(key, wanted.field);
    expansion.claims.push(wanted);
    return;
  }
  report(expansion, {
    severity: 'error',
    field: wanted.field,
    rule: `host, path and type must differ from those of ${holder}`,
    value: `${wanted.host}${wanted.match.value}`,
    effect: `the path is left out, ${holder} is served`,
  });
}

function fillWithDefaultBackend(expansion: Expansion): void {
  const backend = expansion.ingress.defaultBackend;
  if (backend === null) return;
  for (const [host, matches] of expansion.taken) {
    if (matches.has(matchKey(WHOLE_HOST))) continue;
    expansion.claims.push({ host, match: WHOLE_HOST, backend, field: DEFAULT_BACKEND_FIELD, origin: 'defaultBackend' });
  }
}

function hostEntry(host: HostPattern, expansion: Expansion): Map<string, string> {
  let matches = expansion.taken.get(host);
  if (matches === undefined) expansion.taken.set(host, (matches = new Map()));
  return matches;
}

function report(expansion: Expansion, finding: Finding): void {
  expansion.problems.push(problemOf(expansion.ingress, finding));
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 1 && path.endsWith('/', end)) end -= 1;
  return path.slice(0, end);
}
