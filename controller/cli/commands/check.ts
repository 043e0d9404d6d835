import { existsSync } from 'node:fs';
import { printProblem } from '../../../core/ir/problem.ts';
import type { CheckReport } from '../checkManifests.ts';
import { escapeControls } from '../../status/table.ts';
import { localAddresses } from '../../runtime/machineAddresses.ts';
import { defineCommand, EXIT } from '../command.ts';
import { OUTPUT_FLAG, TRANSLATION_FLAGS, translationChoices } from '../sharedFlags.ts';

/** `gatehouse check`. */
export const checkCommand = defineCommand(
  {
    name: 'check',
    summary: 'Validate manifests and print every problem with file and line',
    description:
      'Reads manifests exactly as "gatehouse run" does, and prints every problem: file:line, object, field, rule, value, and what ' +
      'would happen instead. Starts nothing. Exits 1 when there is an error; warnings alone exit 0.\n' +
      'Give it all that is served together: an Ingress whose Service stands in another file is fine when both are read.',
    positionals: { name: 'PATH', least: 1, most: Infinity, help: 'File or folder of Kubernetes manifests (YAML or JSON).' },
    examples: [
      ['A folder', 'gatehouse check ./manifests'],
      ['In a pipeline, for a program to read', 'gatehouse check --output json ./manifests | jq .problems'],
    ],
  },
  { ...TRANSLATION_FLAGS, output: OUTPUT_FLAG },
  async (flags, paths, context) => {
    const missing = paths.find((path) => !existsSync(path));
    if (missing !== undefined) {
      context.stderr(`gatehouse check: there is no file or folder ${JSON.stringify(missing)}\n`);
      return EXIT.failure;
    }
    const { checkManifests } = await import('../checkManifests.ts');
    const place = { nowMs: Date.now(), nodeName: flags.nodeName, localAddresses: localAddresses() };
    const report = await checkManifests(paths, translationChoices(flags), place);
    context.stdout(flags.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : printReport(report));
    return report.errors === 0 ? EXIT.success : EXIT.failure;
  },
);

function printReport(report: CheckReport): string {
  const counts = [
    count(report.files, 'file'),
    count(report.objects, 'object'),
    count(report.ingresses, 'Ingress', 'es'),
    count(report.hosts, 'host'),
    ...(report.services === 0 ? [] : [count(report.services, 'LoadBalancer Service')]),
    count(report.errors, 'error'),
    count(report.warnings, 'warning'),
  ];
  return `${report.problems.map((problem) => `${escapeControls(printProblem(problem))}\n`).join('')}${counts.join(', ')}\n`;
}

function count(number: number, noun: string, plural = 's'): string {
  return `${number} ${noun}${number === 1 ? '' : plural}`;
}
