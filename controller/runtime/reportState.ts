import type { BgpReport } from '../announcer/bgp/bgpReport.ts';
import type { AnnouncerReport } from '../announcer/report.ts';
import type { ControllerMetrics } from '../metrics/controllerMetrics.ts';
import type { MetricsHub } from '../metrics/metricsHub.ts';
import type { Kind } from '../model/objects.ts';
import type { ControlState } from './controlLoop.ts';

const KINDS: readonly Kind[] = ['Ingress', 'IngressClass', 'Service', 'EndpointSlice', 'Endpoints', 'Secret', 'ConfigMap', 'IPAddressPool', 'Namespace', 'Node'];

/** What the processes beside the controller have told. */
export interface RunningFacts {
  readonly appliedGeneration: number;
  /** Null: no announcer has told anything. */
  readonly announced: AnnouncerReport | null;
  readonly bgp: BgpReport;
  readonly nodeName: string;
}

/**
 * Brings the controller's own metrics up to date before they are read, and drops the series of Ingresses that are
 * gone. `nowMs` is the wall clock.
 */
export function reportState(hub: MetricsHub, state: ControlState, { appliedGeneration, announced, bgp, nodeName }: RunningFacts, nowMs: number): void {
  const metrics: ControllerMetrics = hub.controller;
  metrics.setGeneration(state.generation);
  metrics.setAppliedGeneration(appliedGeneration);
  metrics.setObjects(new Map(KINDS.map((kind) => [kind, [...state.objects.list(kind)].length])));
  metrics.setProblems(state.problems);
  metrics.setAssignments(state.pools, state.services);
  metrics.setCertificates(state.snapshot?.certificates.values() ?? [], nowMs);
  hub.announcer.set({ report: announced, wanted: state.announcer, nodeName });
  hub.bgp.set({ report: bgp, wanted: state.announcer?.bgp ?? null, nodeName });
  const known = new Set(state.ingresses.map(({ ref }) => `${ref.namespace}/${ref.name}`));
  hub.retainIngresses((namespace, name) => known.has(`${namespace}/${name}`));
}
