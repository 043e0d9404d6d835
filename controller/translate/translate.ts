import type { Snapshot } from '../../core/ir/snapshot.ts';
import { assignCertificates } from './steps/assignCertificates.ts';
import { attachCanaries } from './steps/attachCanaries.ts';
import { buildClusters } from './steps/buildClusters.ts';
import { buildVirtualHosts } from './steps/buildVirtualHosts.ts';
import { denyHosts } from './steps/denyHosts.ts';
import { describeIngresses } from './steps/describeIngresses.ts';
import { planIngress } from './steps/planIngress.ts';
import { readSettings } from './steps/readSettings.ts';
import { resolveClaims } from './steps/resolveClaims.ts';
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
  const plans = selected.map(({ ingress }) => planIngress(ingress, defaults));
  const { hosts, problems: claimProblems } = resolveClaims(plans);
  const { canaries, problems: canaryProblems } = attachCanaries(plans, hosts, objects);
  const tls = assignCertificates(plans, objects, options);
  const deniedHosts = denyHosts(plans);
  const routes = buildVirtualHosts({ hosts, canaries, deniedHosts, tlsHosts: tls.tlsHosts, defaults });
  const { clusters, problems: clusterProblems } = buildClusters(routes.uses, objects, options);
  const snapshot: Snapshot = {
    settings,
    virtualHosts: routes.virtualHosts,
    clusters,
    certificates: tls.certificates,
    serverNames: tls.serverNames,
  };
  const problems = [
    ...settingProblems,
    ...classProblems,
    ...plans.flatMap((plan) => plan.problems),
    ...claimProblems,
    ...canaryProblems,
    ...tls.problems,
    ...routes.problems,
    ...clusterProblems,
  ];
  return { snapshot, ingresses: describeIngresses(selected, plans, tls.serverNames), problems: sortProblems(problems) };
};
