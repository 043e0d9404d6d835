import type { Problem } from '../../core/ir/problem.ts';
import type { Snapshot } from '../../core/ir/snapshot.ts';
import { allocate } from '../allocator/allocate.ts';
import { judgeAnnouncements } from './announcements/judgeAnnouncements.ts';
import { notAnnounced } from './announcements/notAnnounced.ts';
import { endpointProblems } from './backends/endpointProblems.ts';
import type { LocalRules } from './backends/localBackend.ts';
import { ownVips } from './backends/ownVips.ts';
import type { ObjectIndex } from '../model/store.ts';
import { createClusterBook } from './l4/clusterBook.ts';
import { planL4 } from './l4/planL4.ts';
import { watchedServices } from './l4/watchedServices.ts';
import { recordReferences } from './recordReferences.ts';
import { assignCertificates } from './steps/assignCertificates.ts';
import { attachCanaries } from './steps/attachCanaries.ts';
import { buildClusters } from './steps/buildClusters.ts';
import { buildVirtualHosts } from './steps/buildVirtualHosts.ts';
import { denyHosts } from './steps/denyHosts.ts';
import { describeIngresses } from './steps/describeIngresses.ts';
import { planIngress } from './steps/planIngress.ts';
import { judgePassthrough, planPassthrough } from './steps/planPassthrough.ts';
import { readSettings } from './steps/readSettings.ts';
import { resolveClaims } from './steps/resolveClaims.ts';
import { resolveClientAuth } from './steps/resolveClientAuth.ts';
import { resolveTransports } from './steps/resolveTransports.ts';
import { selectIngresses } from './steps/selectIngresses.ts';
import { sortProblems } from './steps/sortProblems.ts';
import type { Translate, TranslateOptions, Translation } from './translation.ts';

/**
 * Objects to snapshot. Each step is pure and sees only what the steps before it found; Ingresses go through them oldest
 * first. What is wrong with one object becomes a problem and leaves the others as they are.
 */
export const translate: Translate = (given, chosen) => {
  const { index: objects, references } = recordReferences(given);
  const services = watchedServices(objects, chosen);
  const allocation = allocate({
    pools: objects.list('IPAddressPool'),
    namespaces: objects.list('Namespace'),
    services,
    previous: chosen.assignments,
    mode: chosen.allocation,
    loadBalancerClass: chosen.loadBalancerClass,
    openelbOptIn: chosen.openelbOptIn,
  });
  const options: KnownOptions = { ...chosen, ownVips: ownVips(allocation.assignments, objects) };
  const http = translateIngresses(objects, options);
  const l4 = planL4(objects, options, { services, ...allocation });
  const clusters = joinClusters(http.clusters, http.sealedClusters, l4.clusters);
  const problems = [
    ...http.problems,
    ...endpointProblems(clusters.values(), objects, options),
    ...allocation.problems,
    ...l4.problems,
    ...judgeAnnouncements(objects),
    ...notAnnounced(objects, options),
  ];
  return {
    snapshot: { ...http.snapshot, clusters, l4Listeners: l4.listeners },
    ingresses: http.ingresses,
    hosts: http.hosts,
    services: l4.services,
    assignments: allocation.assignments,
    assignmentChanges: allocation.changes,
    pools: allocation.pools,
    refusals: allocation.refusals,
    vipListeners: l4.vipListeners,
    announcer: l4.announcer,
    references: references(),
    problems: sortProblems(problems),
  };
};

/** With what allocation found: nothing behind a Service may lead back to us. */
type KnownOptions = TranslateOptions & Pick<LocalRules, 'ownVips'>;

/** What Ingresses ask for. */
interface IngressTranslation {
  readonly snapshot: Omit<Snapshot, 'clusters' | 'l4Listeners'>;
  readonly clusters: Snapshot['clusters'];
  /** Of TLS that is passed through. */
  readonly sealedClusters: Snapshot['clusters'];
  readonly ingresses: Translation['ingresses'];
  readonly hosts: Translation['hosts'];
  readonly problems: readonly Problem[];
}

function translateIngresses(objects: ObjectIndex, options: KnownOptions): IngressTranslation {
  const { settings, defaults, problems: settingProblems } = readSettings(objects, options);
  const { selected, problems: classProblems } = selectIngresses(objects, options);
  const planned = selected.map(({ ingress }) => planIngress(ingress, defaults));
  const transports = resolveTransports(planned, objects, options.nowMs);
  const clientAuth = resolveClientAuth(transports.plans, objects);
  const { plans, problems: passthroughFaults } = judgePassthrough(clientAuth.plans);
  const { hosts, problems: claimProblems } = resolveClaims(plans);
  const { canaries, problems: canaryProblems } = attachCanaries(plans, hosts, objects);
  const tls = assignCertificates(plans, objects, { ...options, clientCertificates: transports.certificates });
  const book = createClusterBook(objects, options);
  const sealed = planPassthrough(plans, { hosts, book, clientAuth: clientAuth.byHost });
  const deniedHosts = denyHosts(plans, clientAuth.deniedHosts, sealed.deniedHosts);
  const routes = buildVirtualHosts({ hosts, canaries, deniedHosts, clientAuth: clientAuth.byHost, tlsHosts: tls.tlsHosts, defaults });
  const { clusters, problems: clusterProblems } = buildClusters(routes.uses, objects, options);
  const { certificates, serverNames } = tls;
  return {
    snapshot: { settings, virtualHosts: routes.virtualHosts, certificates, serverNames, passthrough: sealed.passthrough },
    clusters,
    sealedClusters: book.clusters,
    ingresses: describeIngresses(selected, plans, serverNames),
    hosts,
    problems: [
      ...settingProblems,
      ...classProblems,
      ...plans.flatMap((plan) => plan.problems),
      ...transports.problems,
      ...clientAuth.problems,
      ...passthroughFaults,
      ...claimProblems,
      ...canaryProblems,
      ...tls.problems,
      ...sealed.problems,
      ...routes.problems,
      ...clusterProblems,
    ],
  };
}

/** The clusters of HTTP routes and, if there are any, those of L4 routes; a map that is given whole stays the same object. */
function joinClusters(http: Snapshot['clusters'], ...l4: readonly Snapshot['clusters'][]): Snapshot['clusters'] {
  return l4.every(({ size }) => size === 0) ? http : new Map([http, ...l4].flatMap((clusters) => [...clusters]));
}
