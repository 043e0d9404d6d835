import type { Problem } from '../../../core/ir/problem.ts';
import type { Ingress, IngressClass } from '../../model/ingress.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareAge, compareText } from '../ingressAge.ts';
import type { SelectedIngress } from '../ingressPlan.ts';
import { problemOf } from '../problemOf.ts';
import type { TranslateOptions } from '../translation.ts';

const LEGACY_CLASS = 'kubernetes.io/ingress.class';

/** What the class of one Ingress says: ours under a name, somebody else's, or a class that exists nowhere. */
type Verdict =
  | { readonly type: 'ours'; readonly className: string }
  | { readonly type: 'foreign' }
  | { readonly type: 'unknown' };

/**
 * The Ingresses that are ours by class and namespace, oldest first. An Ingress of a foreign class gets neither status nor
 * problem (conformance feature ingress_class).
 */
export function selectIngresses(
  objects: ObjectIndex,
  options: TranslateOptions,
): { readonly selected: readonly SelectedIngress[]; readonly problems: readonly Problem[] } {
  const selected: SelectedIngress[] = [];
  const classes = readDefaultClass(objects, options);
  const problems: Problem[] = [...classes.problems];
  const namespaces = new Set(options.watchNamespaces);
  for (const ingress of objects.list('Ingress')) {
    if (namespaces.size > 0 && !namespaces.has(ingress.metadata.namespace)) continue;
    const verdict = judgeClass(ingress, { objects, options, classes });
    if (verdict.type === 'ours') selected.push({ ingress, className: verdict.className });
    if (verdict.type === 'unknown') problems.push(unknownClass(ingress));
  }
  selected.sort((a, b) => compareAge(a.ingress, b.ingress));
  return { selected, problems };
}

interface DefaultClass {
  /** Verdict for an Ingress that names no class. */
  readonly verdict: Verdict;
  readonly problems: readonly Problem[];
}

function judgeClass(
  ingress: Ingress,
  known: { readonly objects: ObjectIndex; readonly options: TranslateOptions; readonly classes: DefaultClass },
): Verdict {
  const { objects, options, classes } = known;
  const name = ingress.ingressClassName ?? '';
  if (name !== '') {
    const ingressClass = objects.get('IngressClass', '', name);
    const ours: Verdict = { type: 'ours', className: name };
    if (ingressClass !== undefined) return isOurs(ingressClass, options) ? ours : { type: 'foreign' };
    return options.ingressClasses.includes(name) ? ours : { type: 'unknown' };
  }
  const legacy = ingress.metadata.annotations.get(LEGACY_CLASS) ?? '';
  if (legacy === '') return classes.verdict;
  return options.ingressClasses.includes(legacy) ? { type: 'ours', className: legacy } : { type: 'foreign' };
}

/** Of several default classes the newest holds, equals by name, as the API server's admission decides. */
function readDefaultClass(objects: ObjectIndex, options: TranslateOptions): DefaultClass {
  const defaults = [...objects.list('IngressClass')].filter((ingressClass) => ingressClass.isDefault);
  defaults.sort(compareNewest);
  const [holder, ...others] = defaults;
  const withoutClass: Verdict = options.watchWithoutClass ? { type: 'ours', className: '' } : { type: 'foreign' };
  if (holder === undefined) return { verdict: withoutClass, problems: [] };
  const name = holder.metadata.name;
  return {
    verdict: isOurs(holder, options) ? { type: 'ours', className: name } : withoutClass,
    problems: others.map((other) =>
      problemOf(other, {
        severity: 'error',
        field: 'metadata.annotations[ingressclass.kubernetes.io/is-default-class]',
        rule: 'must be "true" in one IngressClass at most',
        value: 'true',
        effect: `IngressClass ${name} is the default class`,
      }),
    ),
  };
}

function compareNewest(a: IngressClass, b: IngressClass): number {
  const byTime = (b.metadata.createdAtMs ?? Number.MAX_VALUE) - (a.metadata.createdAtMs ?? Number.MAX_VALUE);
  return byTime === 0 ? compareText(a.metadata.name, b.metadata.name) : byTime;
}

function isOurs(ingressClass: IngressClass, options: TranslateOptions): boolean {
  return options.controllerNames.includes(ingressClass.controller);
}

function unknownClass(ingress: Ingress): Problem {
  return problemOf(ingress, {
    severity: 'warning',
    field: 'spec.ingressClassName',
    rule: 'must name an IngressClass that exists, or one given with --ingress-class',
    value: ingress.ingressClassName,
    effect: 'the Ingress is not served',
  });
}
