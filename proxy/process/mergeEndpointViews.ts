import type { EndpointView } from '../../core/ipc/views.ts';

/** All workers' views of the endpoints as one: counts are added up. `state` and `weight` come from the last worker named. */
export function mergeEndpointViews(byWorker: readonly (readonly EndpointView[])[]): readonly EndpointView[] {
  // cluster → endpoint → view
  const byCluster = new Map<string, Map<string, EndpointView>>();
  for (const view of byWorker.flat()) {
    const byEndpoint = byCluster.get(view.cluster) ?? new Map<string, EndpointView>();
    byCluster.set(view.cluster, byEndpoint);
    byEndpoint.set(view.endpoint, add(byEndpoint.get(view.endpoint), view));
  }
  return [...byCluster.values()].flatMap((byEndpoint) => [...byEndpoint.values()]);
}

function add(sum: EndpointView | undefined, view: EndpointView): EndpointView {
  if (sum === undefined) return view;
  return {
    ...view,
    activeRequests: sum.activeRequests + view.activeRequests,
    idleConnections: sum.idleConnections + view.idleConnections,
    ejectedBy: sum.ejectedBy + view.ejectedBy,
  };
}
