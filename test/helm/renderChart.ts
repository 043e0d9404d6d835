import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** The chart in this checkout. */
export const CHART = join(import.meta.dirname, '../../helm/gatehouse');

const RENDERER = join(import.meta.dirname, 'render');
/** Where Debian's golang-*-dev packages put sources. */
const GOPATH = '/usr/share/gocode';
const SPRIG = join(GOPATH, 'src/github.com/Masterminds/sprig');
const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

/** One rendering: what `helm template NAME CHART` would be told. */
export interface Rendering {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly name?: string;
  readonly namespace?: string;
  /** `.Release.Service`; Helm says Helm. */
  readonly service?: string;
  readonly isUpgrade?: boolean;
}

/** path in the chart → text; or what went wrong, as the person sees it who installs. */
export type Rendered =
  | { readonly type: 'rendered'; readonly templates: ReadonlyMap<string, string> }
  | { readonly type: 'refused'; readonly error: string };

/** A Kubernetes object as a test looks at it. */
export interface KubeManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

/** Why the renderer cannot be built here; null: it can. */
export function missingForRendering(): string | null {
  if (spawnSync('go', ['version']).status !== 0) return 'go is not installed (golang-go)';
  return existsSync(SPRIG) ? null : 'sprig is not installed (golang-github-masterminds-sprig-dev)';
}

let binary: string | null = null;

/** Builds the renderer once a process; it is removed when that ends. */
function renderer(): string {
  if (binary !== null) return binary;
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-render-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const output = join(folder, 'render');
  const env = { ...process.env, GO111MODULE: 'off', GOPATH, GOFLAGS: '' };
  execFileSync('go', ['build', '-o', output, '.'], { cwd: RENDERER, env, stdio: ['ignore', 'inherit', 'inherit'] });
  binary = output;
  return output;
}

const DEFAULTS = { name: 'gatehouse', namespace: 'gatehouse-system', service: 'Helm', kubeVersion: '1.32.0', apiVersions: [] } as const;

interface RawResult {
  readonly templates: Readonly<Record<string, string>> | null;
  readonly error?: string;
}

/** Renders the chart once for each of these. */
export function renderChart(renderings: readonly Rendering[]): readonly Rendered[] {
  const input = JSON.stringify(renderings.map((rendering) => ({ chart: CHART, values: {}, ...DEFAULTS, ...rendering, lenient: removesValues(rendering) })));
  const output = execFileSync(renderer(), { input, maxBuffer: ANSWER_LIMIT_BYTES, encoding: 'utf8' });
  return (JSON.parse(output) as readonly RawResult[]).map(({ templates, error }) =>
    error === undefined && templates !== null
      ? { type: 'rendered', templates: new Map(Object.entries(templates).toSorted(([a], [b]) => (a < b ? -1 : 1))) }
      : { type: 'refused', error: error ?? '' },
  );
}

/** Helm prints nothing for a value that does not exist. Here that is an error, to find slips, unless the user took it away by null. */
function removesValues({ values = {} }: Rendering): boolean {
  return /:null[,}]/.test(JSON.stringify(values));
}

/** What one rendering installs, in Helm's order; throws when it is refused. */
export function renderObjects(rendering: Rendering): readonly KubeManifest[] {
  const [rendered] = renderChart([rendering]);
  if (rendered?.type !== 'rendered') throw new Error(`the chart refuses ${JSON.stringify(rendering)}: ${rendered?.error}`);
  return objectsOf(rendered.templates);
}

/** The objects of rendered templates, NOTES.txt left out, in the order in which Helm installs them. */
export function objectsOf(templates: ReadonlyMap<string, string>): readonly KubeManifest[] {
  const texts = [...templates].filter(([path]) => !path.endsWith('NOTES.txt')).map(([, text]) => text);
  return inInstallOrder(texts.flatMap((text) => parseObjects(text)));
}

/** Every object of a YAML text. Throws for what is no YAML or repeats a key. */
export function parseObjects(text: string): readonly KubeManifest[] {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length > 0) throw new Error(`${document.errors[0]?.message}\n${text}`);
      return document.toJS() as KubeManifest | null;
    })
    .filter((object) => object !== null);
}

/** As in Helm's kind_sorter.go, the kinds of this chart; what is not among them comes last. */
const INSTALL_ORDER = [
  'Namespace', 'CustomResourceDefinition', 'NetworkPolicy', 'PodDisruptionBudget', 'ServiceAccount', 'Secret', 'ConfigMap', 'ClusterRole',
  'ClusterRoleBinding', 'Role', 'RoleBinding', 'Service', 'DaemonSet', 'Deployment', 'IngressClass', 'ValidatingWebhookConfiguration',
];

/** Place of a kind in the order of installation. */
export function installRank(kind: string): number {
  const rank = INSTALL_ORDER.indexOf(kind);
  return rank === -1 ? INSTALL_ORDER.length : rank;
}

function inInstallOrder(objects: readonly KubeManifest[]): readonly KubeManifest[] {
  return objects.toSorted((a, b) => installRank(a.kind) - installRank(b.kind) || a.metadata.name.localeCompare(b.metadata.name));
}

/** What real Helm makes of the same; null: it is not on the PATH. */
export function renderWithHelm(rendering: Rendering): readonly KubeManifest[] | null {
  if (spawnSync('helm', ['version']).status !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-helm-'));
  try {
    const values = join(folder, 'values.json');
    writeFileSync(values, JSON.stringify(rendering.values ?? {}));
    const { name, namespace } = { ...DEFAULTS, ...rendering };
    const upgrade = rendering.isUpgrade === true ? ['--is-upgrade'] : [];
    const args = ['template', name, CHART, '--namespace', namespace, '--values', values, '--kube-version', DEFAULTS.kubeVersion, ...upgrade];
    const text = execFileSync('helm', args, { encoding: 'utf8', maxBuffer: ANSWER_LIMIT_BYTES });
    return inInstallOrder(parseObjects(text));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
