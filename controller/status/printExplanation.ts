import type { Explanation } from '../../core/ipc/views.ts';
import { printRef } from '../../core/ir/objectRef.ts';
import { escapeControls } from './table.ts';

/** An explanation as a person reads it: the outcome first, then the numbered steps that led to it. */
export function printExplanation(explanation: Explanation): string {
  const width = Math.max(0, ...explanation.steps.map(({ step }) => step.length));
  const steps = explanation.steps.map(({ step, text }, index) => `${`${index + 1}.`.padStart(4)} ${step.padEnd(width)}   ${text}`);
  return `${[...outcome(explanation), '', ...steps].map(escapeControls).join('\n')}\n`;
}

function outcome({ ingress, field, cluster, endpoint, status }: Explanation): readonly string[] {
  const rows: readonly (readonly [string, string | null])[] = [
    ['Ingress', ingress === null ? null : printRef(ingress)],
    ['Rule', field],
    ['Cluster', cluster],
    ['Endpoint', endpoint],
    ['Answer', status === null ? 'the backend\'s' : `${status}, by Gatehouse itself`],
  ];
  return rows.map(([name, value]) => `${`${name}:`.padEnd(10)}${value ?? '<none>'}`);
}
