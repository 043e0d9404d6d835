import type { Cluster, ClusterKey, Endpoint } from '../../core/ir/cluster.ts';
import type { MapDelta } from '../../core/ir/snapshot.ts';
import { ClusterState, type BalanceDependencies, type WorkerEndpointView } from './clusterState.ts';
import { endpointKey } from './endpointState.ts';

/** All clusters of one worker. */
export class ClusterTable {
  readonly #dependencies: BalanceDependencies;
  readonly #states = new Map<ClusterKey, ClusterState>();
  /** host:port → how many clusters have it. */
  readonly #uses = new Map<string, number>();

  constructor(dependencies: BalanceDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes over the changed clusters; answers with the endpoints that no cluster has any more (to be retired upstream). */
  apply(delta: MapDelta<ClusterKey, Cluster>): Endpoint[] {
    const dropped: Endpoint[] = [];
    for (const key of delta.remove) {
      dropped.push(...this.#release(key));
      this.#states.delete(key);
    }
    for (const [key, cluster] of delta.upsert) {
      dropped.push(...this.#release(key));
      this.#use(cluster.endpoints);
      const state = this.#states.get(key);
      if (state === undefined) this.#states.set(key, new ClusterState(cluster, this.#dependencies));
      else state.update(cluster);
    }
    return dropped.filter((endpoint) => !this.#uses.has(endpointKey(endpoint)));
  }

  /** Undefined when the snapshot has no such cluster. */
  get(key: ClusterKey): ClusterState | undefined {
    return this.#states.get(key);
  }

  /** Every endpoint of every cluster. */
  views(): WorkerEndpointView[] {
    return [...this.#states.values()].flatMap((state) => state.views());
  }

  #use(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      const key = endpointKey(endpoint);
      this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    }
  }

  /** Lets go of a cluster's endpoints; those that may now be unused. */
  #release(key: ClusterKey): readonly Endpoint[] {
    const endpoints = this.#states.get(key)?.cluster.endpoints ?? [];
    for (const endpoint of endpoints) {
      const name = endpointKey(endpoint);
      const left = (this.#uses.get(name) ?? 1) - 1;
      if (left === 0) this.#uses.delete(name);
      else this.#uses.set(name, left);
    }
    return endpoints;
  }
}
