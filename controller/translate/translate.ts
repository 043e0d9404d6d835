import type { Snapshot } from '../../core/ir/snapshot.ts';
import { allocate } from '../allocator/allocate.ts';
import { createClusterBook } from './l4/clusterBook.ts';
import { planL4 } from './l4/planL4.ts';
import { watchedServices } from './l4/watchedServices.ts';
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
import type { Translate } from './translation.ts';

/**
 * Objects to snapshot. Each step is pure and sees only what the steps before it found; Ingresses go through them oldest
 * first. What is wrong with one object becomes a problem and leaves the others as they are.
 */
export const translate: Translate = (objects, options) => {
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
  const services = watchedServices(objects, options);
  const allocation = allocate({ pools: objects.list('IPAddressPool'), services, previous: options.assignments });
  const l4 = planL4(objects, options, { services, ...allocation });
  const snapshot: Snapshot = {
    settings,
    virtualHosts: routes.virtualHosts,
    clusters: joinClusters(clusters, book.clusters, l4.clusters),
    certificates: tls.certificates,
    serverNames: tls.serverNames,
    l4Listeners: l4.listeners,
    passthrough: sealed.passthrough,
  };
  const problems = [
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
    ...allocation.problems,
    ...l4.problems,
  ];
  return {
    snapshot,
    ingresses: describeIngresses(selected, plans, tls.serverNames),
    services: l4.services,
    assignments: allocation.assignments,
    assignmentChanges: allocation.changes,
    pools: allocation.pools,
    vipListeners: l4.vipListeners,
    problems: sortProblems(problems),
  };
};

/** The clusters of HTTP routes and, if there are any, those of L4 routes; a map that is given whole stays the same object. */
function joinClusters(http: Snapshot['clusters'], ...l4: readonly Snapshot['clusters'][]): Snapshot['clusters'] {
  return l4.every(({ size }) => size === 0) ? http : new Map([http, ...l4].flatMap((clusters) => [...clusters]));
}
