import { readFileSync } from 'node:fs';
import type { ClusterOptions } from '../runtime/clusterOptions.ts';
import { many, one, toggle } from './flag.ts';
import type { FlagValues } from './parseArguments.ts';
import { choice, listenAddress, namespacedName, objectName, statusAddress, text } from './values.ts';

/** Where Kubernetes puts a Pod's own namespace. */
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
/** The chart's, and that of deploy/gatehouse.yaml. */
const DEFAULT_NAMESPACE = 'gatehouse-system';

/** Flags of `run` that matter when objects come from an API server. */
export const CLUSTER_FLAGS = {
  kubeconfig: one('kubeconfig', text('a file'), () => null, {
    placeholder: 'PATH',
    help: 'kubeconfig file of the cluster to serve. Inside a Pod it is not needed.',
  }),
  context: one('context', text('a name'), () => null, {
    placeholder: 'NAME',
    help: 'Context of the kubeconfig file.',
    defaultText: 'its current one',
  }),
  namespace: one('namespace', objectName, ownNamespace, {
    placeholder: 'NS',
    help: "Gatehouse's own namespace, where its Lease and its Secret are.",
    defaultText: "the Pod's, else gatehouse-system",
  }),
  secrets: one('secrets', choice(['named', 'polled', 'all']), () => 'named' as const, {
    placeholder: 'HOW',
    help:
      'named: only Secrets that an object refers to are read and watched, one by one. polled: the same without watching, ' +
      'as a right to watch shows all of them; changes are seen within 40 seconds. all: all of the cluster are listed and watched.',
    defaultText: 'named',
  }),
  compat: many('compat', choice(['metallb', 'openelb']), {
    placeholder: 'PRODUCT',
    help: 'Read the objects of these products too, where their CRDs are installed: metallb, openelb.',
    defaultText: 'none',
  }),
  allowLocalBackends: toggle(
    'allow-local-backends',
    false,
    'Serve backends that are loopback, link-local or metadata addresses. In a cluster whoever may write an EndpointSlice could reach this node by them.',
  ),
  leaderElection: toggle('leader-election', true, 'Agree by a Lease on who gives addresses and writes statuses. Off: this one does.'),
  electionLease: one('election-lease', objectName, () => 'gatehouse-leader', {
    placeholder: 'NAME',
    help: 'Name of that Lease, in the own namespace.',
    defaultText: 'gatehouse-leader',
  }),
  vipLeases: toggle(
    'vip-leases',
    false,
    'Keep a Lease in the own namespace for each address whose L2Advertisement asks for it (ownership: lease). Off: nobody answers for these.',
  ),
  updateStatus: toggle('update-status', true, 'Write addresses, conditions and Events to the cluster. Off: nothing is ever written but the Lease.'),
  publishStatusAddress: many('publish-status-address', statusAddress, {
    placeholder: 'ADDRESS',
    help: "IP address or host name to write as every Ingress's own, in place of the publish Service's.",
    defaultText: 'none',
  }),
  ownService: one('own-service', namespacedName, () => null, {
    placeholder: 'NS/NAME',
    help: "Service whose endpoints are Gatehouse's own Pods. Without a publish Service, Ingresses get the addresses of their nodes.",
  }),
  webhook: one('webhook', listenAddress, () => null, {
    placeholder: 'ADDR:PORT',
    help: 'Where the admission webhook listens, by HTTPS: it refuses faulty Ingresses and pools when they are applied.',
    defaultText: 'nowhere',
  }),
  webhookService: one('webhook-service', objectName, () => 'gatehouse-webhook', {
    placeholder: 'NAME',
    help: 'Service in the own namespace by which the API server reaches the webhook: its certificate is made for that name.',
    defaultText: 'gatehouse-webhook',
  }),
  webhookSecret: one('webhook-secret', objectName, () => 'gatehouse-webhook-tls', {
    placeholder: 'NAME',
    help: 'Secret in the own namespace in which the webhook keeps its certificates. It must exist; it may be empty.',
    defaultText: 'gatehouse-webhook-tls',
  }),
  webhookConfiguration: one('webhook-configuration', objectName, () => 'gatehouse', {
    placeholder: 'NAME',
    help: "ValidatingWebhookConfiguration whose caBundle is kept in line with the webhook's certificate.",
    defaultText: 'gatehouse',
  }),
  webhookCertificate: one('webhook-certificate', text('a file'), () => null, {
    placeholder: 'PATH',
    help: 'PEM certificate for the webhook that somebody else looks after; no Secret and no caBundle is written then.',
  }),
  webhookKey: one('webhook-key', text('a file'), () => null, { placeholder: 'PATH', help: 'Its private key.' }),
  webhookClientCa: one('webhook-client-ca', text('a file'), () => null, {
    placeholder: 'PATH',
    help: 'PEM certificates of authorities; only clients with a certificate of one of them may ask the webhook.',
    defaultText: 'anybody may ask',
  }),
} as const;

/** What they say; null: nothing says that there is a cluster. `wrong` names a contradiction. */
export function clusterOptions(
  flags: FlagValues<typeof CLUSTER_FLAGS>,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly type: 'cluster'; readonly options: ClusterOptions } | { readonly type: 'none' } | { readonly type: 'wrong'; readonly message: string } {
  const inCluster = (environment['KUBERNETES_SERVICE_HOST'] ?? '') !== '';
  if (flags.kubeconfig === null && !inCluster) return { type: 'none' };
  if (flags.context !== null && flags.kubeconfig === null) return { type: 'wrong', message: '--context needs --kubeconfig' };
  if ((flags.webhookCertificate === null) !== (flags.webhookKey === null)) {
    return { type: 'wrong', message: '--webhook-certificate and --webhook-key go together' };
  }
  const { kubeconfig, context, namespace, secrets, compat, leaderElection, electionLease, vipLeases, updateStatus, ownService } = flags;
  const electionLeaseName = leaderElection ? electionLease : null;
  const publishStatusAddresses = flags.publishStatusAddress;
  const options = { kubeconfig, context, namespace, secrets, compat, electionLease: electionLeaseName, vipLeases, updateStatus, ownService, publishStatusAddresses };
  return { type: 'cluster', options: { ...options, webhook: webhookOptions(flags) } };
}

function webhookOptions(flags: FlagValues<typeof CLUSTER_FLAGS>): ClusterOptions['webhook'] {
  if (flags.webhook === null) return null;
  const { webhookCertificate: certificate, webhookKey: key, webhookClientCa: clientCa } = flags;
  const files = certificate === null || key === null ? null : { certificate, key };
  const names = { service: flags.webhookService, secret: flags.webhookSecret, configuration: flags.webhookConfiguration };
  return { listen: flags.webhook, ...names, files, clientCa };
}

function ownNamespace(): string {
  try {
    return readFileSync(NAMESPACE_FILE, 'utf8').trim();
  } catch {
    // Not in a Pod.
    return DEFAULT_NAMESPACE;
  }
}
