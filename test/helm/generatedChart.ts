import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FEATURES, PERMISSIONS, type Feature, type InstallationNames, type Permission } from '../../controller/cluster/permissions.ts';
import { installRank, renderChart } from './renderChart.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Path of each file that is made from others, and how. */
export const GENERATED_FILES: ReadonlyMap<string, () => string> = new Map([
  ['helm/gatehouse/templates/_permissions.tpl', permissionsTemplate],
  ['deploy/gatehouse.yaml', deployManifest],
]);

/** The CRDs, which the chart carries as they are: name of the file → text. */
export function customResourceDefinitions(): ReadonlyMap<string, string> {
  const folder = join(ROOT, 'crds');
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml')).toSorted();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/** How the chart calls what an installation names itself. */
const NAME_IN_CHART: Readonly<Record<keyof InstallationNames, string>> = {
  lease: '{{ include "gatehouse.fullname" . }}-leader',
  webhookSecret: '{{ include "gatehouse.fullname" . }}-webhook-tls',
  webhookConfiguration: '{{ include "gatehouse.fullname" . }}',
};

/** Permissions that differ in nothing but the resource are one rule. */
interface Rule extends Omit<Permission, 'resource'> {
  readonly resources: readonly string[];
}

function rules(scope: Permission['scope']): readonly Rule[] {
  const byRest = new Map<string, Rule>();
  for (const { resource, ...rest } of PERMISSIONS) {
    if (rest.scope !== scope) continue;
    const key = JSON.stringify([rest.group, rest.verbs, rest.resourceName, rest.feature, rest.why]);
    const resources = [...(byRest.get(key)?.resources ?? []), resource];
    byRest.set(key, { ...rest, resources });
  }
  // In the order of features, so that each has one condition.
  return FEATURES.flatMap((feature) => [...byRest.values()].filter((rule) => rule.feature === feature));
}

/** templates/_permissions.tpl. */
export function permissionsTemplate(): string {
  const head = '{{/* Made from controller/cluster/permissions.ts; change it there and run test/helm with GATEHOUSE_UPDATE=1. */}}\n';
  return `${head}${defineRules('gatehouse.clusterRules', rules('cluster'))}\n${defineRules('gatehouse.ownNamespaceRules', rules('ownNamespace'))}`;
}

function defineRules(name: string, all: readonly Rule[]): string {
  const lines = [`{{- define "${name}" -}}`, '{{- $features := include "gatehouse.features" . | fromJsonArray -}}'];
  let open: Feature = 'core';
  for (const rule of all) {
    if (rule.feature !== open) {
      if (open !== 'core') lines.push('{{- end }}');
      lines.push(`{{- if has "${rule.feature}" $features }}`);
      open = rule.feature;
    }
    lines.push(...ruleLines(rule));
  }
  if (open !== 'core') lines.push('{{- end }}');
  return `${[...lines, '{{- end -}}'].join('\n')}\n`;
}

function ruleLines({ why, group, resources, verbs, resourceName }: Rule): readonly string[] {
  const names = resourceName === undefined ? [] : [`  resourceNames: [${NAME_IN_CHART[resourceName]}]`];
  return [
    `# ${why}`,
    `- apiGroups: [${group === '' ? '""' : group}]`,
    `  resources: [${resources.join(', ')}]`,
    ...names,
    `  verbs: [${verbs.join(', ')}]`,
  ];
}

const FEATURE_WORDS: Readonly<Record<Feature, string>> = {
  core: 'Always',
  status: 'To write statuses (`updateStatus: true`, the default)',
  election: 'To agree on one that writes',
  vipLeases: 'Only with `announcer.leases: true`',
  webhook: 'For the admission webhook (`webhook.enabled: true`, the default)',
  secretsNamed: 'For certificates and passwords (`secrets.read: named`, the default)',
  secretsPolled: 'In place of that, with `secrets.read: polled`',
  secretsAll: 'In place of that, with `secrets.read: all`',
  compatMetallb: 'Only with `compat.metallb: true`',
  compatOpenelb: 'Only with `compat.openelb: true`',
};

/** The list of docs/permissions.md. */
export function permissionsList(): string {
  const all = [...rules('cluster'), ...rules('ownNamespace')];
  return FEATURES.map((feature) => {
    const items = all.filter((rule) => rule.feature === feature).map((rule) => permissionItem(rule));
    return `### ${FEATURE_WORDS[feature]}\n\n${items.join('')}`;
  }).join('\n');
}

const NAMES_IN_WORDS: Readonly<Record<keyof InstallationNames, string>> = {
  lease: 'the Lease `gatehouse-leader`',
  webhookSecret: 'the Secret `gatehouse-webhook-tls`',
  webhookConfiguration: 'the configuration `gatehouse`',
};

function permissionItem({ group, resources, verbs, scope, resourceName, why }: Rule): string {
  const where = scope === 'cluster' ? '' : ', in its own namespace';
  const which = resourceName === undefined ? '' : `, only ${NAMES_IN_WORDS[resourceName]}`;
  const named = resources.map((resource) => `\`${resource}\``).join(', ');
  const head = `- ${named}${group === '' ? '' : ` of \`${group}\``}: **${verbs.join(', ')}**${which}${where}.`;
  return `${wrap(head)}\n  ${why}\n`;
}

const WIDTH = 138;

/** The words of a list item in lines that pages may have. */
function wrap(item: string): string {
  return item.split(' ').reduce((text, word) => {
    const line = text.slice(text.lastIndexOf('\n') + 1);
    return line.length + 1 + word.length > WIDTH ? `${text}\n  ${word}` : `${text} ${word}`;
  });
}

/** deploy/gatehouse.yaml: the chart with its defaults, for kubectl. */
export function deployManifest(): string {
  const [rendered] = renderChart([{ service: 'kubectl' }]);
  if (rendered?.type !== 'rendered') throw new Error(`the chart refuses its own defaults: ${rendered?.error}`);
  const texts = [...rendered.templates].filter(([path]) => !path.endsWith('NOTES.txt')).flatMap(([, text]) => text.split(/^---$/m));
  const documents = texts.map((text) => text.trim()).filter((text) => text !== '').toSorted((a, b) => installRank(kindOf(a)) - installRank(kindOf(b)));
  const crds = [...customResourceDefinitions().values()].map((text) => text.replace(/^---\n/, '').trim());
  return [DEPLOY_HEAD, NAMESPACE, ...crds, ...documents].join('\n---\n').replace('\n---\n', '\n').concat('\n');
}

const DEPLOY_HEAD = `# Gatehouse with the chart's defaults, for kubectl apply --server-side -f. Made from helm/gatehouse: change it there.
# docs/install.md says what to look at before, and what to do next.`;

const NAMESPACE = `# Pods on the nodes' own network are what Pod Security calls privileged; the Pod's securityContext says how little it may.
apiVersion: v1
kind: Namespace
metadata:
  name: gatehouse-system
  labels:
    pod-security.kubernetes.io/enforce: privileged`;

function kindOf(text: string): string {
  return /^kind: (\w+)$/m.exec(text)?.[1] ?? '';
}
