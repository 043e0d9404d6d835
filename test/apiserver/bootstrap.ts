import { ADMIN } from './access/accounts.ts';
import type { ServiceRanges } from './builtins/service/serviceAddresses.ts';
import type { ResourceType } from './resourceType.ts';
import { create } from './verbs/create.ts';
import type { Engine, WriteOptions } from './verbs/engine.ts';

const OPTIONS: WriteOptions = { caller: ADMIN, fieldManager: 'kube-apiserver', dryRun: false, fieldValidation: 'Ignore', force: false, warn: () => {} };

/** Creates what every cluster has from the start: Namespaces, the Service `kubernetes`, the first roles and priority classes. */
export async function bootstrap(engine: Engine, { ranges }: ServiceRanges): Promise<void> {
  const put = async (kind: string, group: string, body: object, namespace = ''): Promise<void> => {
    const type = engine.registry.byKind(group, kind) as ResourceType;
    await create(engine, { type, version: 'v1', namespace, name: '', subresource: '' }, body, OPTIONS);
  };
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) await put('Namespace', '', { metadata: { name } });
  const first = ranges[0]?.split('/')[0] ?? '10.96.0.0';
  const clusterIP = first.includes(':') ? `${first}1` : first.replace(/\d+$/, (last) => String(Number(last) + 1));
  await put('Service', '', {
    metadata: { name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { clusterIP, ports: [{ name: 'https', port: 443, targetPort: 6443 }] },
  }, 'default');
  const rbac = 'rbac.authorization.k8s.io';
  await put('ClusterRole', rbac, {
    metadata: { name: 'cluster-admin' },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }, { nonResourceURLs: ['*'], verbs: ['*'] }],
  });
  await put('ClusterRoleBinding', rbac, {
    metadata: { name: 'cluster-admin' }, roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'Group', name: 'system:masters' }],
  });
  await put('PriorityClass', 'scheduling.k8s.io', { metadata: { name: 'system-cluster-critical' }, value: 2_000_000_000 });
  await put('PriorityClass', 'scheduling.k8s.io', { metadata: { name: 'system-node-critical' }, value: 2_000_001_000 });
}
