import { printRef } from '../../core/ir/objectRef.ts';
import type { Canary, HeaderRule } from '../../core/ir/virtualHost.ts';
import type { CanaryReason, ClusterChoice, PrimaryReason } from './canarySplit.ts';

/** A cluster choice in words, for `explain`. Costs nothing until it is asked for. */
export function explainChoice(choice: ClusterChoice): string {
  if (choice.canary === null) return `primary ${choice.cluster}: ${PRIMARY_TEXT[choice.reason]}`;
  const text = canaryText(choice.canary, choice.reason);
  return `canary ${choice.cluster} of ${printRef(choice.canary.ingress)}: ${text}`;
}

const PRIMARY_TEXT: Readonly<Record<PrimaryReason, string>> = {
  noCanary: 'the route has no canary',
  primaryUnavailable: 'the primary has no ready endpoint, so no canary is asked',
  primarySession: 'the affinity cookie holds a session of the primary',
  canaryUnavailable: 'no canary has a ready endpoint',
  headerRefused: "a request header refuses every canary (`never`, or the rule's pattern cannot be run)",
  cookieRefused: 'a cookie says `never` to every canary that was left',
  weight: 'no header or cookie decides, and the weight draw fell to the primary',
};

function canaryText(canary: Canary, reason: CanaryReason): string {
  switch (reason) {
    case 'canarySession':
      return 'the affinity cookie holds a session of this canary';
    case 'header':
      return canary.header === null ? 'header' : `header ${canary.header.name} ${headerText(canary.header.rule)}`;
    case 'cookie':
      return `cookie ${canary.cookie ?? ''} says \`always\``;
    case 'weight':
      return `no header or cookie decides, and the weight draw fell into its ${canary.weight}/${canary.weightTotal}`;
  }
}

function headerText(rule: HeaderRule): string {
  switch (rule.type) {
    case 'alwaysNever':
      return 'says `always`';
    case 'value':
      return `is \`${rule.value}\``;
    case 'pattern':
      return `matches \`${rule.pattern}\``;
    case 'refuse':
      return 'has a rule that cannot be run';
  }
}
