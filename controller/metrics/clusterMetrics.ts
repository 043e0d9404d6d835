import { Counter, Gauge, type Registry } from 'prom-client';
import type { LeaseElection } from '../election/leaseElection.ts';
import type { Leadership } from '../election/leadership.ts';
import type { ClusterSource } from '../sources/cluster/clusterSource.ts';
import type { WriterCounts } from '../writers/writeCounts.ts';

/** Parts of the cluster mode that count for themselves. */
export interface ClusterParts {
  readonly source: Pick<ClusterSource, 'health'>;
  /** Null: there is none. */
  readonly election: Pick<LeaseElection, 'counts'> | null;
  readonly leadership: Leadership;
  readonly writers: readonly (() => WriterCounts)[];
}

/** Adds families that are read from the parts whenever metrics are asked for. */
export function exposeCluster(registry: Registry, parts: ClusterParts): void {
  exposeSource(registry, parts.source);
  exposeElection(registry, parts);
  exposeWriters(registry, parts.writers);
}

function exposeSource(registry: Registry, source: ClusterParts['source']): void {
  const labelNames = ['kind', 'namespace'] as const;
  const registers = [registry];
  const gauge = (name: string, help: string, value: (of: ReturnType<typeof source.health>['collections'][number]) => number): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const collection of source.health().collections) this.set({ kind: collection.kind, namespace: collection.namespace }, value(collection));
      },
    });
  };
  gauge('gatehouse_kube_synced', '1 when all objects of the kind have been read once.', ({ synced }) => (synced ? 1 : 0));
  gauge('gatehouse_kube_watching', '1 while changes of the kind arrive; 0 while the API server is away or refuses.', ({ state }) => (state === 'watching' ? 1 : 0));
  gauge('gatehouse_kube_objects', 'Objects of the kind that the API server has.', ({ objects }) => objects);
  const counter = (name: string, help: string, value: (of: ReturnType<typeof source.health>['collections'][number]) => number): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const collection of source.health().collections) this.inc({ kind: collection.kind, namespace: collection.namespace }, value(collection));
      },
    });
  };
  counter('gatehouse_kube_lists_total', 'Complete lists of the kind: one at the start, one after each time the API server had forgotten too much.', ({ lists }) => lists);
  counter('gatehouse_kube_watch_restarts_total', 'Watches of the kind begun after the first.', ({ watchRestarts }) => watchRestarts);
}

function exposeElection(registry: Registry, { election, leadership }: ClusterParts): void {
  const registers = [registry];
  new Gauge({
    name: 'gatehouse_leader',
    help: '1 while this process gives addresses and writes statuses.',
    registers,
    collect() {
      this.set(leadership.isLeader() ? 1 : 0);
    },
  });
  if (election === null) return;
  new Counter({
    name: 'gatehouse_leader_changes_total',
    help: 'How often this process became the leader, and how often it ceased to be, by why.',
    labelNames: ['change'],
    registers,
    collect() {
      this.reset();
      const { acquisitions, losses } = election.counts();
      this.inc({ change: 'acquired' }, acquisitions);
      for (const [reason, count] of Object.entries(losses)) this.inc({ change: reason }, count);
    },
  });
}

function exposeWriters(registry: Registry, writers: ClusterParts['writers']): void {
  const registers = [registry];
  new Counter({
    name: 'gatehouse_kube_writes_total',
    help: 'Requests that write statuses and objects, by kind and by what became of them.',
    labelNames: ['kind', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const { kind, outcome, count } of writers.flatMap((counts) => counts().writes)) this.inc({ kind, outcome }, count);
    },
  });
  new Counter({
    name: 'gatehouse_kube_events_total',
    help: 'Events by reason: written, or dropped because there were too many.',
    labelNames: ['reason', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const { reason, outcome, count } of writers.flatMap((counts) => counts().events)) this.inc({ reason, outcome }, count);
    },
  });
}
