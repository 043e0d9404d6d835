import type { Cluster, ClusterKey, Endpoint } from '../../core/ir/cluster.ts';
import type { MapDelta } from '../../core/ir/snapshot.ts';
import { ClusterState, type BalanceDependencies, type WorkerEndpointView } from './clusterState.ts';
import { endpointKey } from './endpointState.ts';

/** All clusters of one worker. A cluster's state is made when it is first asked for: most of many are idle. */
export class ClusterTable {
  readonly #dependencies: BalanceDependencies;
  readonly #clusters = new Map<ClusterKey, Cluster>();
  /** Those of the clusters that have been asked for. */
  readonly #states = new Map<ClusterKey, ClusterState>();
  /** host:port → how many clusters have it. */
  readonly #uses = new Map<string, number>();

  constructor(dependencies: BalanceDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes over the changed clusters; gives the endpoints that no cluster has any more (retire them upstream). */
  apply(delta: MapDelta<ClusterKey, Cluster>): Endpoint[] {
    const dropped: Endpoint[] = [];
    for (const key of delta.remove) {
      dropped.push(...this.#release(key));
      this.#clusters.delete(key);
      this.#states.delete(key);
    }
    for (const [key, cluster] of delta.upsert) {
      dropped.push(...this.#release(key));
      this.#use(cluster.endpoints);
      this.#clusters.set(key, cluster);
      this.#states.get(key)?.update(cluster);
    }
    return dropped.filter((endpoint) => !this.#uses.has(endpointKey(endpoint)));
  }

  /** Undefined when the snapshot has no such cluster. */
  get(key: ClusterKey): ClusterState | undefined {
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const cluster = this.#clusters.get(key);
    if (cluster === undefined) return undefined;
    const state = new ClusterState(cluster, this.#dependencies);
    this.#states.set(key, state);
    return state;
  }

  /** Every endpoint of every cluster. */
  views(): WorkerEndpointView[] {
    return Array.from(this.#clusters).flatMap(([key, cluster]) => {
      // A state of its own for an idle cluster's view would outlive the view.
      const state = this.#states.get(key) ?? new ClusterState(cluster, this.#dependencies);
      return state.views();
    });
  }

  #use(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      const key = endpointKey(endpoint);
      this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    }
  }

  /** Lets go of a cluster's endpoints; those that may now be unused. */
  #release(key: ClusterKey): readonly Endpoint[] {
    const endpoints = this.#clusters.get(key)?.endpoints ?? [];
    for (const endpoint of endpoints) {
      const name = endpointKey(endpoint);
      const left = (this.#uses.get(name) ?? 1) - 1;
      if (left === 0) this.#uses.delete(name);
      else this.#uses.set(name, left);
    }
    return endpoints;
  }
}
