import { ROUTE_SETTINGS } from '../settings/routeRows.ts';
import type { AnySettingRow } from '../settings/row.ts';
import { DENYING_SETTINGS, SETTING_ROWS } from '../settings/table.ts';
import { serviceAnnotationDocs } from '../l4/serviceAnnotationDocs.ts';
import type { AnyAnnotationRow } from './row.ts';
import { ANNOTATION_GROUPS } from './table.ts';
import { UNSUPPORTED_ANNOTATIONS, type UnsupportedAnnotation } from './unsupported.ts';

const INTRODUCTION = `# Annotations and ConfigMap keys

<!-- Written by controller/translate/annotations/renderDocs.ts from the tables beside it. Change those, then run
     GATEHOUSE_UPDATE=1 on renderDocs.test.ts. -->

Every name stands behind \`nginx.ingress.kubernetes.io/\`, so that manifests written for ingress-nginx work as they are, or
behind \`gatehouse.dev/\`, which wins where both are set. An empty value counts as no annotation.

A value that breaks its rule concerns its own Ingress only: the default holds, unless a row says otherwise, and a problem names
field, rule and value (\`gatehouse status\`, \`gatehouse check\`, the log). Settings of an Ingress hold for its own paths only; in
ingress-nginx those of scope cluster leak to every Ingress that uses the same Service and port. Those of scope host hold for every
path of its hosts, whichever Ingress has it, as TLS knows no paths.

Risk says what a wrong value can hurt: low, the Ingress itself; medium, its clients' sessions or secrecy. But for the scope host,
nothing an Ingress can set hurts another one. A Secret is taken from the namespace of its Ingress only.

Where TLS is concerned the Ingress's \`tls\` section rules: nothing is redirected unless asked for, a host whose
certificate is missing or broken is answered with the default one, which is a problem. On an EndpointSlice the annotation
\`gatehouse.dev/weight\` (1 to 1000, default 1) is the weight of its endpoints beside those of the Service's other slices.
`;

/** The text of docs/annotations.md. */
export function renderDocs(): string {
  const groups = ANNOTATION_GROUPS.map(({ title, rows }) => section(title, annotationTable(rows)));
  return [
    INTRODUCTION,
    '## Annotations\n',
    ...groups,
    '## Annotations of Services\n',
    serviceAnnotationDocs(),
    '## Annotations that are not obeyed\n',
    ...unsupportedSections(),
    '## ConfigMap keys\n',
    'Read from the ConfigMap that `--configmap` names. Times are seconds, or a number with ms, s, m, h or d.\n',
    settingTable(SETTING_ROWS),
    `While one of ${[...DENYING_SETTINGS].map(code).join(', ')} is set, every Ingress answers 503: these keep clients out and are not supported yet. Any other key is reported and has no effect.\n`,
  ].join('\n');
}

function section(title: string, body: string): string {
  return `### ${title}\n\n${body}`;
}

function annotationTable(rows: readonly AnyAnnotationRow[]): string {
  const lines = rows.map(
    (row) => `| \`${row.name}\` | ${defaultOf(row)} | ${row.scope} | ${row.risk} | ${needsOf(row)}${cell(row.documentation)}${denialOf(row)} |`,
  );
  return ['| name | default | scope | risk | what it does |', '|---|---|---|---|---|', ...lines, ''].join('\n');
}

function defaultOf(row: AnyAnnotationRow): string {
  if (row.configMapKey !== undefined) return `ConfigMap \`${row.configMapKey}\``;
  return row.default === null ? 'none' : code(row.defaultText ?? plain(row.default));
}

function needsOf(row: AnyAnnotationRow): string {
  return row.needs === undefined ? '' : `With \`${row.needs}\`: `;
}

function denialOf(row: AnyAnnotationRow): string {
  if (row.denyWhenInvalid === undefined) return '';
  const paths = row.denyWhenInvalid === 'host' ? 'every path of the hosts for which it decides answers' : 'its paths answer';
  return ` While the value breaks its rule, ${paths} 503.`;
}

function unsupportedSections(): string[] {
  const texts: readonly (readonly [UnsupportedAnnotation['kind'], string, string])[] = [
    [
      'denied',
      'Refused service until they are supported',
      'They keep somebody out or protect traffic: an Ingress that has one answers 503 on its paths rather than being served without it.',
    ],
    ['ignored', 'Not supported yet', 'Reported as a warning; the Ingress is served without them.'],
    ['refused', 'Never supported', 'They need nginx itself. Reported as a warning; the Ingress is served without them.'],
    ['removed', 'Removed from ingress-nginx', 'Old manifests have them. Reported as a warning.'],
  ];
  return texts.map(([kind, title, text]) => {
    const rows = [...UNSUPPORTED_ANNOTATIONS.values()].filter((row) => row.kind === kind);
    return section(title, `${text}\n\n${rows.map((row) => code(row.name) + marks(row)).join(', ')}.\n`);
  });
}

function marks(row: UnsupportedAnnotation): string {
  return row.harmless.length === 0 ? '' : ` (unless ${row.harmless.map(code).join(' or ')})`;
}

function settingTable(rows: readonly AnySettingRow[]): string {
  const lines = rows.map((row) => {
    const value = row.default === null ? 'none' : code(settingDefault(row));
    return `| \`${row.key}\` | ${value} | ${row.source} | ${cell(row.documentation)} |`;
  });
  return ['| key | default | default from | what it does |', '|---|---|---|---|', ...lines, ''].join('\n');
}

/** A setting's default as one would write it, which the row's own parser must read back. */
function settingDefault(row: AnySettingRow): string {
  const value: unknown = row.default;
  if (typeof value === 'number' && isDuration(row)) return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
  if (row === ROUTE_SETTINGS.balance) return 'round_robin';
  if (row === ROUTE_SETTINGS.nextUpstream) return 'error timeout';
  return plain(value);
}

function isDuration(row: AnySettingRow): boolean {
  const parsed = row.parse('1s');
  return parsed.ok && parsed.value === 1000;
}

function plain(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : typeof value === 'string' ? value : JSON.stringify(value);
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A pipe would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
