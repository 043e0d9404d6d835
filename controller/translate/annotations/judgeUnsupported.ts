import type { Finding } from '../problemOf.ts';
import { nearestName } from './nearestName.ts';
import { ANNOTATIONS } from './table.ts';
import { UNSUPPORTED_ANNOTATIONS, type UnsupportedAnnotation } from './unsupported.ts';

/** Why an Ingress is not served: it asks for protection that Gatehouse cannot give, or that its own faults keep away. */
export interface Denial {
  /** Its own paths, or every path of its hosts. */
  readonly scope: 'ingress' | 'host';
  readonly reason: string;
}

/** What a denial does, as the effect of a problem. */
export function denialEffect(scope: Denial['scope']): string {
  const whose = scope === 'host' ? 'all paths of its hosts' : 'its paths';
  return `${whose} answer 503 rather than being served without it`;
}

/** What becomes of an annotation that is in no row of the table. */
export interface UnsupportedJudgement {
  /** Without the field, which the caller knows; null: nothing to say. */
  readonly finding: Omit<Finding, 'field'> | null;
  readonly denial: Denial | null;
}

const KNOWN_NAMES = [...ANNOTATIONS.keys(), ...UNSUPPORTED_ANNOTATIONS.keys()];

/**
 * Judges an annotation Gatehouse does not obey. One that keeps somebody out denies the whole Ingress: it is never served
 * without its protection. The value of such a one is not shown, it may hold credentials.
 */
export function judgeUnsupported(
  annotation: { readonly key: string; readonly name: string; readonly text: string },
  suggest: boolean,
): UnsupportedJudgement {
  const row = UNSUPPORTED_ANNOTATIONS.get(annotation.name);
  if (row?.harmless.includes(annotation.text.trim().toLowerCase()) === true) return { finding: null, denial: null };
  if (row?.kind !== 'denied') {
    const rule = unsupportedRule(annotation.name, row, suggest);
    return { finding: { severity: 'warning', rule, effect: 'the annotation has no effect' }, denial: null };
  }
  return {
    finding: {
      severity: 'error',
      rule: 'restricts access or protects traffic in a way that is not supported yet',
      effect: denialEffect('ingress'),
    },
    denial: { scope: 'ingress', reason: `annotation ${annotation.key} is not supported yet` },
  };
}

/** Of two denials the one that concerns more; the first of equals. */
export function widerDenial(one: Denial | null, other: Denial | null): Denial | null {
  return one === null || (one.scope === 'ingress' && other?.scope === 'host') ? other : one;
}

function unsupportedRule(name: string, row: UnsupportedAnnotation | undefined, suggest: boolean): string {
  if (row?.kind === 'ignored') return 'is an ingress-nginx annotation that is not supported yet';
  if (row?.kind === 'refused') return 'needs nginx itself and is refused: Gatehouse runs no nginx configuration or modules';
  if (row?.kind === 'removed') return 'was removed from ingress-nginx';
  const nearest = suggest ? nearestName(name, KNOWN_NAMES) : null;
  return nearest === null ? 'is no known annotation' : `is no known annotation; did you mean ${nearest}?`;
}
