import { Registry } from 'prom-client';
import type { Command } from '../../controller/cli/command.ts';
import { bgpCommand } from '../../controller/cli/commands/bgp.ts';
import { checkCommand } from '../../controller/cli/commands/check.ts';
import { demoCommand } from '../../controller/cli/commands/demo.ts';
import { explainCommand } from '../../controller/cli/commands/explain.ts';
import { runCommand } from '../../controller/cli/commands/run.ts';
import { statusCommand } from '../../controller/cli/commands/status.ts';
import { ALWAYS_LEADER } from '../../controller/election/leadership.ts';
import { AnnouncerMetrics } from '../../controller/metrics/announcerMetrics.ts';
import { exposeCluster } from '../../controller/metrics/clusterMetrics.ts';
import { ControllerMetrics } from '../../controller/metrics/controllerMetrics.ts';
import { createWebhookMetrics } from '../../controller/webhook/webhookMetrics.ts';
import { crdSections } from './crdDocs.ts';
import { FAMILIES, type MetricFamily } from '../../core/metrics/families.ts';

/** Every command, in the order of `gatehouse --help`. */
export const COMMANDS: readonly Command[] = [runCommand('0.0.0'), demoCommand('0.0.0'), checkCommand, explainCommand, statusCommand, bgpCommand];

const WIDTH = 120;

/** file in docs/ → name of a generated section → its text. */
export const GENERATED: ReadonlyMap<string, ReadonlyMap<string, () => string>> = new Map([
  ['configuration.md', new Map(COMMANDS.map((command) => [`flags of ${command.text.name}`, () => flagList(command)]))],
  [
    'metrics.md',
    new Map([
      ['families of the proxy', proxyFamilies],
      ['families of the controller', () => registeredFamilies((registry) => new ControllerMetrics(registry))],
      ['families of the announcer', () => registeredFamilies((registry) => new AnnouncerMetrics(registry))],
      ['families of the cluster', () => registeredFamilies(addClusterFamilies)],
    ]),
  ],
  ['crds.md', crdSections()],
]);

/** `text` with every section between `<!-- generated: NAME -->` and `<!-- end -->` made anew. Throws for a section that is missing. */
export function renewSections(text: string, sections: ReadonlyMap<string, () => string>): string {
  let renewed = text;
  for (const [name, render] of sections) {
    const begin = `<!-- generated: ${name} -->\n`;
    const start = renewed.indexOf(begin);
    const end = renewed.indexOf('<!-- end -->', start);
    if (start === -1 || end === -1) throw new Error(`there is no section ${JSON.stringify(name)}`);
    renewed = `${renewed.slice(0, start + begin.length)}\n${render()}\n${renewed.slice(end)}`;
  }
  return renewed;
}

/** The flags of a command as its help tells them: the help is what users see, so it is what is documented. */
function flagList(command: Command): string {
  const [, flags = ''] = command.help().split('\nFlags:\n');
  const entries: { readonly usage: string; help: string }[] = [];
  for (const line of flags.split('\n')) {
    if (/^ {2}-/.test(line)) entries.push({ usage: line.trim(), help: '' });
    const last = entries.at(-1);
    if (/^ {6}\S/.test(line) && last !== undefined) last.help += ` ${line.trim()}`;
  }
  return entries
    .filter(({ usage }) => !usage.includes('--help'))
    .map(({ usage, help }) => listItem(`\`${usage}\``, help.replace(/ Environment: (\w+)\./, ' Environment: `$1`.').trim()))
    .join('');
}

function proxyFamilies(): string {
  return Object.values(FAMILIES).map((family: MetricFamily) => familyItem(family)).join('');
}

/** Families that exist where objects come from an API server. */
function addClusterFamilies(registry: Registry): void {
  const source = { health: () => ({ synced: true, collections: [], named: { watched: 0, polled: 0, unknown: 0 } }) };
  const losses = { lapsed: 0, taken: 0, erased: 0, stopped: 0 };
  const election = { counts: () => ({ acquisitions: 0, losses, failures: 0 }) };
  exposeCluster(registry, { source, election, leadership: ALWAYS_LEADER, writers: [] });
  createWebhookMetrics(registry);
}

function registeredFamilies(add: (registry: Registry) => unknown): string {
  const registry = new Registry();
  add(registry);
  return registry.getMetricsAsArray().map((metric) => {
    const labels: unknown = Reflect.get(metric, 'labelNames');
    const type = metric.constructor.name.toLowerCase();
    return familyItem({ name: metric.name, type, help: String(Reflect.get(metric, 'help')), labels: Array.isArray(labels) ? labels.map(String) : [] });
  }).join('');
}

function familyItem(family: { readonly name: string; readonly type: string; readonly help: string; readonly labels: readonly string[] }): string {
  const labels = family.labels.length === 0 ? '' : `, by ${family.labels.map((label) => `\`${label}\``).join(', ')}`;
  return listItem(`\`${family.name}\` (${family.type}${labels})`, family.help);
}

/** A list item whose text begins on a line of its own. */
function listItem(head: string, text: string): string {
  return `- ${wrap(head)}\n  ${wrap(text)}\n`;
}

function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > WIDTH - 2) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n  ');
}
