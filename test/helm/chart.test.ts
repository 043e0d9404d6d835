import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { EXIT } from '../../controller/cli/command.ts';
import { runCommand } from '../../controller/cli/commands/run.ts';
import { permissionsOf, type Feature, type InstallationNames, type Permission } from '../../controller/cluster/permissions.ts';
import { lacksWhen } from '../support/requirement.ts';
import { COMBINATIONS } from './combinations.ts';
import { CHART, missingForRendering, objectsOf, renderChart, renderObjects, renderWithHelm, type KubeManifest } from './renderChart.ts';

const missing = missingForRendering();
const skip = lacksWhen(missing !== null, missing ?? '');

/** What the tests look at in a Pod. */
interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly serviceAccountName: string;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly {
    readonly image: string;
    readonly args: readonly string[];
    readonly securityContext: Readonly<Record<string, unknown>>;
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly readinessProbe: { readonly httpGet: { readonly host?: string } };
  }[];
}

interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

function ofKind(objects: readonly KubeManifest[], kind: string): readonly KubeManifest[] {
  return objects.filter((object) => object.kind === kind);
}

function podOf(objects: readonly KubeManifest[]): PodSpec {
  const [workload] = [...ofKind(objects, 'DaemonSet'), ...ofKind(objects, 'Deployment')];
  if (workload === undefined) assert.fail('there is neither a DaemonSet nor a Deployment');
  return (workload['spec'] as { readonly template: { readonly spec: PodSpec } }).template.spec;
}

function containerOf(objects: readonly KubeManifest[]): PodSpec['containers'][number] {
  return podOf(objects).containers[0] ?? assert.fail('no container');
}

/** What the kubelet makes of `$(NAME)`. */
function expanded(args: readonly string[]): readonly string[] {
  return args.map((arg) => arg.replace('$(POD_NAMESPACE)', 'gatehouse-system').replace('$(NODE_NAME)', 'node-1'));
}

/** The value of an argument; null: it is not among them. */
function argument(args: readonly string[], name: string): string | null {
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? null;
}

/** The features that the arguments of a container ask for: what the program does decides which rights it needs. */
function featuresOf(args: readonly string[]): readonly Feature[] {
  const features: Feature[] = ['core', 'election'];
  if (argument(args, 'update-status') !== 'false') features.push('status');
  if (argument(args, 'webhook') !== null) features.push('webhook');
  const secrets = argument(args, 'secrets') ?? 'named';
  features.push(secrets === 'all' ? 'secretsAll' : secrets === 'polled' ? 'secretsPolled' : 'secretsNamed');
  if (args.includes('--vip-leases')) features.push('vipLeases');
  if (args.includes('--compat=metallb')) features.push('compatMetallb');
  if (args.includes('--compat=openelb')) features.push('compatOpenelb');
  return features;
}

/** One line for each right, so that sets can be compared. */
function rights(rules: readonly RbacRule[]): readonly string[] {
  return rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [''] }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.flatMap((verb) => resourceNames.map((name) => `${verb} ${group}/${resource} ${name}`)))),
  ).toSorted();
}

function expectedRights(features: readonly Feature[], scope: Permission['scope'], names: InstallationNames): readonly string[] {
  const asRules = permissionsOf(features).filter((permission) => permission.scope === scope).map(({ group, resource, verbs, resourceName }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs,
    ...(resourceName === undefined ? {} : { resourceNames: [names[resourceName]] }),
  }));
  return rights(asRules);
}

suite('every combination of values', { skip }, () => {
  const all = skip === false ? renderChart([...COMBINATIONS.values()].map((values) => ({ values }))) : [];
  for (const [index, [name, values]] of [...COMBINATIONS].entries()) {
    suite(name, () => {
      const rendered = all[index];
      const objects = rendered?.type === 'rendered' ? objectsOf(rendered.templates) : [];

      test('renders to objects that say what and where they are', () => {
        assert.equal(rendered?.type, 'rendered', rendered?.type === 'refused' ? rendered.error : '');
        assert.ok(objects.length > 4);
        const clusterScoped = ['ClusterRole', 'ClusterRoleBinding', 'IngressClass', 'ValidatingWebhookConfiguration'];
        for (const { apiVersion, kind, metadata } of objects) {
          assert.match(`${apiVersion} ${kind} ${metadata.name}`, /^[a-z0-9./]+ [A-Z][A-Za-z]+ [a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
          assert.equal(metadata.namespace, clusterScoped.includes(kind) ? undefined : 'gatehouse-system', kind);
          assert.equal(metadata.labels?.['app.kubernetes.io/instance'], 'gatehouse', kind);
        }
        const identities = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
        assert.equal(new Set(identities).size, identities.length, 'no object twice');
      });

      test('starts the program with arguments that it understands', async () => {
        let stderr = '';
        const context = { environment: {}, signals: process, stdout: () => {}, stderr: (text: string) => { stderr += text; } };
        const [command, ...argv] = expanded(containerOf(objects).args);
        assert.equal(command, 'run');
        // With nothing wrong about the arguments, what is missing here is the cluster.
        assert.equal(await runCommand('0.0.0').execute(argv, context), EXIT.usage);
        assert.match(stderr, /say where objects come from/);
      });

      test('gives exactly the rights of permissions.ts for what the arguments ask for', () => {
        const { args } = containerOf(objects);
        const names = {
          lease: argument(args, 'election-lease') ?? '',
          webhookSecret: argument(args, 'webhook-secret') ?? '',
          webhookConfiguration: argument(args, 'webhook-configuration') ?? '',
        };
        const rules = (kind: string): readonly RbacRule[] => ofKind(objects, kind).flatMap((role) => role['rules'] as readonly RbacRule[]);
        if (Reflect.has(values, 'rbac')) {
          assert.deepEqual([...rules('ClusterRole'), ...rules('Role')], []);
          return;
        }
        assert.deepEqual(rights(rules('ClusterRole')), expectedRights(featuresOf(args), 'cluster', names));
        assert.deepEqual(rights(rules('Role')), expectedRights(featuresOf(args), 'ownNamespace', names));
        for (const binding of [...ofKind(objects, 'ClusterRoleBinding'), ...ofKind(objects, 'RoleBinding')]) {
          assert.deepEqual(binding['subjects'], [{ kind: 'ServiceAccount', name: podOf(objects).serviceAccountName, namespace: 'gatehouse-system' }]);
        }
      });

      test('names only objects of its own, by the names that they have', () => {
        const { args } = containerOf(objects);
        const has = (kind: string, name: string | null): boolean => objects.some((object) => object.kind === kind && object.metadata.name === name);
        const own = (flag: string): string | null => argument(expanded(args), flag)?.replace('gatehouse-system/', '') ?? null;
        assert.ok(has('Service', own('own-service')));
        for (const [flag, kind] of [['webhook-service', 'Service'], ['webhook-secret', 'Secret'], ['configmap', 'ConfigMap'], ['tcp-services-configmap', 'ConfigMap'], ['udp-services-configmap', 'ConfigMap'], ['webhook-configuration', 'ValidatingWebhookConfiguration']] as const) {
          assert.ok(own(flag) === null || has(kind, own(flag)), flag);
        }
        const publish = argument(args, 'publish-service');
        if (publish?.startsWith('$') === true) assert.ok(has('Service', own('publish-service')));
      });

      test('may no more than it must', () => {
        const pod = podOf(objects);
        const { securityContext, image } = containerOf(objects);
        assert.equal(pod.automountServiceAccountToken, true);
        for (const account of ofKind(objects, 'ServiceAccount')) assert.equal(account['automountServiceAccountToken'], false);
        assert.deepEqual(pod.securityContext['seccompProfile'], { type: 'RuntimeDefault' });
        assert.equal(Reflect.has(pod.securityContext, 'fsGroup'), false, 'a group would let the proxy read the token');
        assert.equal(securityContext['allowPrivilegeEscalation'], false);
        assert.equal(securityContext['readOnlyRootFilesystem'], true);
        const capabilities = securityContext['capabilities'] as { readonly drop: readonly string[]; readonly add?: readonly string[] };
        assert.deepEqual(capabilities.drop, ['ALL']);
        if (values['rootless'] === true) {
          assert.equal(pod.securityContext['runAsNonRoot'], true);
          assert.equal(capabilities.add, undefined);
        } else {
          assert.equal(pod.securityContext['runAsUser'], 0, 'named, so that the kubelet gives the token to it alone');
        }
        if (!Reflect.has(values, 'securityContext') && values['rootless'] !== true) {
          const announces = values['mode'] !== 'Deployment' && (values['announcer'] as { readonly enabled?: boolean } | undefined)?.enabled !== false;
          const ofAnnouncer = announces ? ['NET_ADMIN', 'NET_RAW', 'SYS_NICE', 'SETPCAP', 'CHOWN'] : [];
          assert.deepEqual(capabilities.add, ['NET_BIND_SERVICE', 'SETUID', 'SETGID', 'KILL', ...ofAnnouncer]);
        }
        assert.match(image, /:\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$/, 'a version, not a moving tag');
        assert.ok(!/hostPath|privileged: true/.test(JSON.stringify(objects)));
      });

      test('is given more time to stop than it takes', () => {
        const drainSeconds = Number.parseInt(argument(containerOf(objects).args, 'drain-timeout') ?? '', 10);
        assert.ok(podOf(objects).terminationGracePeriodSeconds >= drainSeconds + 30);
      });

      test('has probes that reach the admin API', () => {
        const { args, readinessProbe } = containerOf(objects);
        const isLoopback = argument(args, 'admin')?.startsWith('127.') ?? false;
        assert.equal(readinessProbe.httpGet.host, isLoopback ? '127.0.0.1' : undefined);
        if (isLoopback) assert.equal(podOf(objects).hostNetwork, true, 'loopback is the kubelet\'s own on the host network only');
      });
    });
  }
});

suite('what fits together only in some ways', { skip }, () => {
  const refusals: readonly (readonly [title: string, values: Readonly<Record<string, unknown>>, message: RegExp])[] = [
    ['no low ports without root', { rootless: true }, /ports below 1024 need root/],
    ['no port twice', { admin: { port: 443 } }, /must differ/],
    ['no monitor of an admin API that is out of reach', { podMonitor: { enabled: true } }, /Prometheus cannot reach/],
    ['no probes of a loopback address in a Pod', { mode: 'Deployment', admin: { address: '127.0.0.1' } }, /probes come from outside/],
    ['no two Services for one address', { service: { create: true }, publish: { service: 'a/b' } }, /choose/],
  ];
  for (const [title, values, message] of refusals) {
    test(title, () => {
      const [rendered] = renderChart([{ values }]);
      assert.equal(rendered?.type, 'refused');
      assert.match(rendered?.type === 'refused' ? rendered.error : '', message);
    });
  }

  test('two releases in one cluster share no name', () => {
    const names = (name: string): readonly string[] => renderObjects({ name, values: { ingressClass: { name } } }).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    const both = [...names('blue'), ...names('green')];
    assert.equal(new Set(both).size, both.length);
  });

  test('a release with the longest name that Helm takes still has names that Kubernetes takes', () => {
    for (const { metadata } of renderObjects({ name: 'a'.repeat(53) })) assert.ok(metadata.name.length <= 63, metadata.name);
  });

  test('only a DaemonSet is on the host network, and only a Deployment has what is of no use there', () => {
    const kinds = (mode: string): readonly string[] => renderObjects({ values: { mode } }).map(({ kind }) => kind);
    assert.equal(podOf(renderObjects({})).hostNetwork, true);
    assert.equal(podOf(renderObjects({ values: { mode: 'Deployment' } })).hostNetwork, undefined);
    assert.ok(!kinds('DaemonSet').some((kind) => ['NetworkPolicy', 'PodDisruptionBudget'].includes(kind)));
    assert.ok(['NetworkPolicy', 'PodDisruptionBudget'].every((kind) => kinds('Deployment').includes(kind)));
  });

  test('settings of all types become the text that was meant', () => {
    const [configMap] = ofKind(renderObjects({ values: { settings: { a: 8_000_000, b: 0.5, c: false, d: '8m', e: 4 } } }), 'ConfigMap');
    assert.deepEqual(configMap?.['data'], { a: '8000000', b: '0.5', c: 'false', d: '8m', e: '4' });
  });

  test('the webhook can refuse nothing but Ingresses and Gatehouse\'s own kinds, whatever is wrong with it', () => {
    const [configuration] = ofKind(renderObjects({ values: { webhook: { failurePolicy: 'Fail' } } }), 'ValidatingWebhookConfiguration');
    assert.ok(configuration !== undefined);
    type Webhook = { readonly failurePolicy: string; readonly sideEffects: string; readonly rules: readonly { readonly resources: readonly string[]; readonly apiGroups: readonly string[] }[] };
    for (const { failurePolicy, sideEffects, rules } of (configuration?.['webhooks'] ?? []) as readonly Webhook[]) {
      assert.equal(sideEffects, 'None');
      for (const { resources, apiGroups } of rules) {
        assert.ok(![...resources, ...apiGroups].some((word) => word.includes('*')));
        if (failurePolicy === 'Fail') assert.ok(['networking.k8s.io', 'gatehouse.dev'].includes(apiGroups.join()));
      }
    }
  });

  test('the Secret of the webhook comes empty, so that an upgrade leaves its content alone', () => {
    const [secret] = ofKind(renderObjects({}), 'Secret');
    assert.equal(secret?.['data'] ?? secret?.['stringData'], undefined);
  });
});

suite('NOTES.txt', { skip }, () => {
  const notes = (values: Readonly<Record<string, unknown>>, isUpgrade = false): string => {
    const [rendered] = renderChart([{ values, isUpgrade }]);
    return rendered?.type === 'rendered' ? (rendered.templates.get('templates/NOTES.txt') ?? '') : assert.fail(rendered?.error);
  };

  test('leads to a status, a first Ingress and a first pool', () => {
    for (const text of ['gatehouse status', 'kubectl create ingress', 'kind: IPAddressPool', 'Still pending?']) assert.ok(notes({}).includes(text), text);
  });

  test('speaks of CRDs after an upgrade, as Helm leaves them alone', () => {
    assert.match(notes({}, true), /Helm does not upgrade CRDs/);
    assert.doesNotMatch(notes({}), /Helm does not upgrade CRDs/);
  });

  test('asks for no pool where the values have one', () => {
    assert.doesNotMatch(notes({ pools: [{ name: 'a', spec: {} }] }), /There is none yet/);
  });

  test('fits a terminal', () => {
    for (const values of COMBINATIONS.values()) for (const line of notes(values).split('\n')) assert.ok(line.length <= 140, line);
  });
});

suite('values.schema.json', () => {
  const text = (name: string): string => readFileSync(join(CHART, name), 'utf8');
  const schema = JSON.parse(text('values.schema.json')) as SchemaNode;
  const values = parse(text('values.yaml')) as Readonly<Record<string, unknown>>;
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);

  test('accepts values.yaml and every combination', () => {
    for (const given of [values, ...COMBINATIONS.values()]) assert.ok(validate(withoutNull(given)), JSON.stringify(validate.errors));
  });

  test('knows the same values as values.yaml', () => {
    const paths = schemaPaths(schema).filter((path) => path !== 'global');
    assert.deepEqual(paths.toSorted(), valuePaths(values, schema).toSorted());
  });

  test('refuses what is misspelt, anywhere', () => {
    const misspell = (node: SchemaNode): readonly unknown[] => [
      { misspelt: true },
      ...Object.entries(node.properties ?? {}).filter(([, child]) => child.properties !== undefined).flatMap(([name, child]) => misspell(child).map((value) => ({ [name]: value }))),
    ];
    for (const wrong of misspell(schema)) assert.equal(validate(wrong), false, JSON.stringify(wrong));
  });

  test('refuses values that could not work', () => {
    for (const wrong of [{ mode: 'StatefulSet' }, { image: { tag: 'latest' } }, { ports: { http: 0 } }, { pools: [{ name: 'a' }] }, { tcp: { http: 'a/b:1' } }, { extraArgs: ['run'] }, { webhook: { timeoutSeconds: 31 } }]) {
      assert.equal(validate(wrong), false, JSON.stringify(wrong));
    }
  });

  test('every value has a comment', () => {
    const lines = text('values.yaml').split('\n');
    const path: string[] = [];
    const known = schemaPaths(schema);
    for (const [index, line] of lines.entries()) {
      const [, indent = '', key] = /^( *)(\w+):/.exec(line) ?? [];
      if (key === undefined) continue;
      path.splice(indent.length / 2, path.length, key);
      if (known.includes(path.join('.'))) assert.match(lines[index - 1] ?? '', /^ *# /, `values.yaml:${index + 1}: ${path.join('.')}`);
    }
  });
});

test('Chart.yaml has the version of package.json', () => {
  const { version } = JSON.parse(readFileSync(join(CHART, '../../package.json'), 'utf8')) as { readonly version: string };
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as Readonly<Record<string, string>>;
  assert.deepEqual([chart['version'], chart['appVersion']], [version, version]);
});

test('Helm itself makes the same of every combination', { skip: skip === false ? optional(lacksHelm()) : skip }, () => {
  for (const [name, values] of COMBINATIONS) {
    for (const rendering of [{ values }, { values, name: 'edge', namespace: 'front', isUpgrade: true }]) {
      const own = renderObjects(rendering);
      assert.deepEqual(renderWithHelm(rendering), own, name);
    }
  }
});

/** Helm is welcome, not needed: it comes in no Debian package. */
function lacksHelm(): boolean {
  return process.env['PATH']?.split(':').every((folder) => !existsIn(folder, 'helm')) ?? true;
}

function existsIn(folder: string, program: string): boolean {
  try {
    return readFileSync(join(folder, program)).length > 0;
  } catch {
    return false;
  }
}

function optional(isMissing: boolean): string | false {
  return isMissing ? 'helm is not installed' : false;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/** Dotted paths of the leaves of a schema: what has no properties of its own. */
function schemaPaths(node: SchemaNode): readonly string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
    child.properties === undefined ? [name] : schemaPaths(child).map((path) => `${name}.${path}`),
  );
}

/** The same of values, as deep as the schema goes. */
function valuePaths(values: object, node: SchemaNode): readonly string[] {
  return Object.entries(values).flatMap(([name, value]: [string, unknown]) => {
    const child = node.properties?.[name];
    const goesOn = child?.properties !== undefined && typeof value === 'object' && value !== null;
    return goesOn ? valuePaths(value, child).map((path) => `${name}.${path}`) : [name];
  });
}

/** Helm drops values that are set to null before it validates. */
function withoutNull(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null).map(([name, each]: [string, unknown]) => [name, withoutNull(each)]));
}
