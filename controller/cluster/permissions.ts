import type { RequestAttributes } from './requestAttributes.ts';

/** Parts of Gatehouse that need rights of their own; an installation has those that its values ask for. */
export const FEATURES = ['core', 'status', 'election', 'vipLeases', 'webhook', 'secretsNamed', 'secretsPolled', 'secretsAll', 'compatMetallb', 'compatOpenelb'] as const;

/**
 * `core`: reading; every installation has it. `status`: writing statuses and Events (`--update-status`). `vipLeases`: `--vip-leases`. Of `secretsNamed`,
 * `secretsPolled` and `secretsAll` each has one (`--secrets`).
 */
export type Feature = (typeof FEATURES)[number];

/** Names that an installation chooses, in the words of Permission.resourceNames. */
export interface InstallationNames {
  readonly lease: string;
  readonly webhookSecret: string;
  readonly webhookConfiguration: string;
}

/** What the chart calls them when its release is called `gatehouse`. */
export const DEFAULT_NAMES: InstallationNames = {
  lease: 'gatehouse-leader',
  webhookSecret: 'gatehouse-webhook-tls',
  webhookConfiguration: 'gatehouse',
};

/** The verbs of RBAC that Gatehouse uses; there is no `deletecollection` among them and no `*`. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** One thing that Gatehouse may ask of the API server: one rule of a role. */
export interface Permission {
  /** Empty: the core group. */
  readonly group: string;
  /** Plural, with the subresource where there is one: `services/status`. */
  readonly resource: string;
  readonly verbs: readonly Verb[];
  /** `ownNamespace`: where Gatehouse itself runs, nowhere else. */
  readonly scope: 'cluster' | 'ownNamespace';
  /** The one object it is for. Absent: every object. `create` knows no name yet and never stands beside one. */
  readonly resourceName?: keyof InstallationNames;
  readonly feature: Feature;
  /** What it is needed for, and what would be too much; a sentence. */
  readonly why: string;
}

/** Whole collections are followed; nobody gets what he has listed. */
const READ = ['list', 'watch'] as const;

/** A rule for the whole cluster. */
function cluster(group: string, resource: string, verbs: readonly Verb[], rest: Pick<Permission, 'feature' | 'why' | 'resourceName'>): Permission {
  return { group, resource, verbs, scope: 'cluster', ...rest };
}

/** A rule for Gatehouse's own namespace. */
function own(group: string, resource: string, verbs: readonly Verb[], rest: Pick<Permission, 'feature' | 'why' | 'resourceName'>): Permission {
  return { group, resource, verbs, scope: 'ownNamespace', ...rest };
}

function core(why: string): Pick<Permission, 'feature' | 'why'> {
  return { feature: 'core', why };
}

function status(why: string): Pick<Permission, 'feature' | 'why'> {
  return { feature: 'status', why };
}

const GATEHOUSE = 'gatehouse.dev';

/** Kinds of configuration of gatehouse.dev and what they are read for; each has a status that is written. */
const CONFIGURATION: readonly (readonly [resource: string, why: string])[] = [
  ['ipaddresspools', 'The addresses that Services may be given.'],
  ['l2advertisements', 'Which addresses are announced by ARP and NDP, and from which nodes.'],
  ['bgpadvertisements', 'Which addresses are announced by BGP, and with which attributes.'],
  ['bgppeers', 'The routers that are told of addresses.'],
  ['bfdprofiles', 'How quickly a lost router is noticed.'],
  ['communities', 'Names for BGP communities.'],
];

const READ_AGAIN = 'Its status as it is now, where somebody else has written to the object in between.';

/** Kinds of other load balancers that are read as if they were ours. */
const METALLB = ['ipaddresspools', 'l2advertisements', 'bgppeers', 'bgpadvertisements', 'bfdprofiles', 'communities'] as const;
const OPENELB = ['eips', 'bgpconfs', 'bgppeers'] as const;

/**
 * Everything Gatehouse may ask of the API server, beside the discovery that every authenticated client has
 * (`system:discovery`). The chart's roles, deploy/gatehouse.yaml and docs/permissions.md are made from it.
 */
export const PERMISSIONS: readonly Permission[] = [
  cluster('networking.k8s.io', 'ingresses', READ, core('The rules that are served.')),
  cluster('networking.k8s.io', 'ingressclasses', READ, core('Which Ingresses are Gatehouse\'s.')),
  cluster('', 'services', READ, core('The backends of Ingresses, and the Services of type LoadBalancer.')),
  cluster('discovery.k8s.io', 'endpointslices', READ, core('The Pods behind Services: traffic goes to them directly.')),
  cluster('', 'nodes', READ, core('Addresses, zones and labels of the nodes, which decide who answers and announces.')),
  cluster('', 'namespaces', READ, core('Labels of namespaces, by which pools choose whom they serve.')),
  cluster('', 'configmaps', ['get', 'watch'], core('The ConfigMaps that flags name, each read and watched by its name.')),
  ...CONFIGURATION.map(([resource, why]) => cluster(GATEHOUSE, resource, READ, core(why))),
  cluster(GATEHOUSE, 'servicevipstatuses', READ, core('Which of them there are.')),
  cluster('', 'services', ['get'], status(READ_AGAIN)),
  cluster('networking.k8s.io', 'ingresses', ['get'], status(READ_AGAIN)),
  ...CONFIGURATION.map(([resource]) => cluster(GATEHOUSE, resource, ['get'], status(READ_AGAIN))),
  cluster(GATEHOUSE, 'servicevipstatuses', ['get', 'create', 'delete'], status('One object for each Service that says who carries its addresses.')),
  cluster(GATEHOUSE, 'servicevipstatuses/status', ['patch'], status('What those objects say.')),
  cluster('', 'services/status', ['patch'], status('The addresses of a Service. The Service itself cannot be changed.')),
  cluster('networking.k8s.io', 'ingresses/status', ['patch'], status('The addresses of an Ingress. The Ingress itself cannot be changed.')),
  ...CONFIGURATION.map(([resource]) => cluster(GATEHOUSE, `${resource}/status`, ['patch'], status('What became of the object: counts and conditions.'))),
  cluster('', 'events', ['create', 'patch'], status('What happened to an object, shown by kubectl describe; repeats raise a count. Of BGP sessions each node tells its own.')),
  own('coordination.k8s.io', 'leases', ['create'], { feature: 'election', why: 'The Lease that says who writes statuses; the first to come makes it.' }),
  own('coordination.k8s.io', 'leases', ['get', 'update'], { resourceName: 'lease', feature: 'election', why: 'Holding and renewing that one Lease.' }),
  own('coordination.k8s.io', 'leases', ['get', 'create', 'update'], {
    feature: 'vipLeases',
    why: 'A Lease per address with `ownership: lease`. Named after addresses, they cannot be listed here: it is all Leases of the namespace.',
  }),
  cluster('', 'secrets', ['get', 'watch'], {
    feature: 'secretsNamed',
    why: 'The certificates and passwords that Ingresses and BGPPeers name, each read and watched by its name. RBAC cannot say so: see below.',
  }),
  cluster('', 'secrets', ['get'], {
    feature: 'secretsPolled',
    why: 'The certificates and passwords that Ingresses and BGPPeers name, each read by its name every half minute. Nobody can list them by it.',
  }),
  cluster('', 'secrets', ['list', 'watch'], { feature: 'secretsAll', why: 'All Secrets of the cluster, kept in memory.' }),
  own('', 'secrets', ['get', 'watch', 'patch'], {
    resourceName: 'webhookSecret',
    feature: 'webhook',
    why: 'Certificates of the admission webhook, shared by all replicas. The only Secret that is ever written.',
  }),
  cluster('admissionregistration.k8s.io', 'validatingwebhookconfigurations', ['get', 'patch'], {
    resourceName: 'webhookConfiguration',
    feature: 'webhook',
    why: 'Tells the API server by which certificate it knows the webhook; no other configuration can be touched.',
  }),
  ...METALLB.map((resource) => cluster('metallb.io', resource, READ, { feature: 'compatMetallb', why: 'Objects of MetalLB, read with `--compat metallb`.' })),
  ...OPENELB.map((resource) => cluster('network.kubesphere.io', resource, READ, { feature: 'compatOpenelb', why: 'Objects of OpenELB, read with `--compat openelb`.' })),
];

/** Whose requests are judged. */
export interface Installation {
  /** `core` is always among them. */
  readonly features: readonly Feature[];
  /** Where it runs. */
  readonly namespace: string;
  readonly names: InstallationNames;
}

/** Whether RBAC made from PERMISSIONS lets an installation do this; what is no resource (discovery, health) is not judged here. */
export function isPermitted(attributes: RequestAttributes, installation: Installation): boolean {
  return permissionsOf(installation.features).some((permission) => covers(permission, attributes, installation));
}

/** The permissions of an installation with these features. */
export function permissionsOf(features: readonly Feature[]): readonly Permission[] {
  return PERMISSIONS.filter(({ feature }) => feature === 'core' || features.includes(feature));
}

/** Whether this very rule allows it, in an installation that has the rule. */
export function covers(permission: Permission, attributes: RequestAttributes, { namespace, names }: Pick<Installation, 'namespace' | 'names'>): boolean {
  const { group, resource, verbs, scope, resourceName } = permission;
  const asked = attributes.subresource === '' ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
  if (group !== attributes.group || resource !== asked) return false;
  if (!verbs.some((verb) => verb === attributes.verb)) return false;
  if (scope === 'ownNamespace' && attributes.namespace !== namespace) return false;
  return resourceName === undefined || names[resourceName] === attributes.name;
}
