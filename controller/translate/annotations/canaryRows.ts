import type { HeaderRule } from '../../../core/ir/virtualHost.ts';
import { parseBoolean } from '../values/boolean.ts';
import { oneOf } from '../values/choice.ts';
import { parseFieldValue } from '../values/fieldValue.ts';
import { parseInteger } from '../values/integer.ts';
import { accept, type Parsed } from '../values/parsed.ts';
import { parseSearchPattern } from '../values/searchPattern.ts';
import { parseCookieName, parseHeaderName } from '../values/token.ts';
import { annotation } from './row.ts';

/** Weight of a canary whose `canary-weight-total` is absent or smaller (ingress-nginx). */
export const SMALLEST_WEIGHT_TOTAL = 100;

/** The canary group (docs/annotations.md). */
export const CANARY = {
  enabled: annotation<boolean>({
    name: 'canary',
    parse: parseBoolean,
    default: false,
    risk: 'low',
    scope: 'canary',
    documentation:
      'Marks the Ingress as an overlay: it adds no routes; each of its paths becomes an alternative of the route with equal host, path and pathType, whatever namespace that is in. Several canaries of one route all take part, the oldest is asked first.',
  }),
  header: annotation<string | null>({
    name: 'canary-by-header',
    parse: parseHeaderName,
    default: null,
    risk: 'low',
    scope: 'canary',
    documentation: 'Request header to look at: `always` chooses the canary, `never` refuses it, anything else asks cookie, then weight.',
  }),
  headerValue: annotation<string | null>({
    name: 'canary-by-header-value',
    parse: parseFieldValue,
    default: null,
    needs: 'canary-by-header',
    risk: 'low',
    scope: 'canary',
    documentation: 'The exact value that chooses the canary; `always` and `never` are then ordinary values.',
  }),
  headerPattern: annotation<HeaderRule | null>({
    name: 'canary-by-header-pattern',
    parse: parsePatternRule,
    default: null,
    whenInvalid: { value: { type: 'refuse' }, effect: 'requests that carry the header go to the main backend' },
    needs: 'canary-by-header',
    risk: 'low',
    scope: 'canary',
    documentation:
      'A pattern searched in the value (unanchored, case-sensitive); a match chooses the canary. RE2 syntax, at most 512 characters, so that no value takes long to judge; ingress-nginx takes PCRE. Without effect when `canary-by-header-value` is set.',
  }),
  cookie: annotation<string | null>({
    name: 'canary-by-cookie',
    parse: parseCookieName,
    default: null,
    risk: 'low',
    scope: 'canary',
    documentation: 'Cookie to look at: `always` chooses the canary, `never` refuses it, anything else asks the weight.',
  }),
  weight: annotation<number>({
    name: 'canary-weight',
    parse: parseInteger,
    default: 0,
    risk: 'low',
    scope: 'canary',
    documentation: 'Share of the requests no other rule decided, out of `canary-weight-total`. 0 or less: none; the total or more: all.',
  }),
  weightTotal: annotation<number>({
    name: 'canary-weight-total',
    parse: parseInteger,
    default: SMALLEST_WEIGHT_TOTAL,
    risk: 'low',
    scope: 'canary',
    documentation: 'What `canary-weight` is a share of; values below 100 count as 100.',
  }),
  affinity: annotation<'sticky' | 'legacy'>({
    name: 'affinity-canary-behavior',
    parse: oneOf(['sticky', 'legacy']),
    default: 'sticky',
    risk: 'medium',
    scope: 'canary',
    documentation:
      "`sticky`: the canary takes over the main's cookie affinity, so that a client stays where it is. `legacy`: the canary sets no cookie.",
  }),
} as const;

function parsePatternRule(text: string): Parsed<HeaderRule> {
  const pattern = parseSearchPattern(text);
  return pattern.ok ? accept({ type: 'pattern', pattern: pattern.value }) : pattern;
}
