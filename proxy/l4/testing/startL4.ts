import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import type { Cluster, ClusterKey, Endpoint } from '../../../core/ir/cluster.ts';
import { l4Key, type L4Listener, type L4Route } from '../../../core/ir/l4.ts';
import type { HostPattern } from '../../../core/net/hostPattern.ts';
import { libc } from '../../../core/os/libc.ts';
import { LISTEN_BACKLOG, openListeningSockets } from '../../../core/os/listeningSockets.ts';
import { systemClock, type Clock } from '../../../core/time/clock.ts';
import { ClusterTable } from '../../balance/clusterTable.ts';
import { Deadlines } from '../../limits/deadlines.ts';
import { L4Engine } from '../l4Engine.ts';
import type { DatagramDrop, L4Record } from '../l4Record.ts';

/** A wait that takes longer has failed; it only bounds how long a broken test hangs. */
const PATIENCE_MS = 20_000;

/** Name of a cluster → its endpoints, or their ports on 127.0.0.1. */
export type ClusterSpecs = Readonly<Record<string, readonly (number | Endpoint)[]>>;

/** What differs from the defaults of a route; its targets are clusters by name, with weights. */
export type RouteSpec = Partial<Omit<L4Route, 'targets'>> & { readonly targets?: Readonly<Record<string, number>> };

export interface L4Options {
  readonly clusters?: ClusterSpecs;
  readonly route?: RouteSpec;
  readonly protocol?: 'tcp' | 'udp';
  readonly address?: string;
  /** Does not sweep by itself then. */
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** An L4 engine in this process with one listener. */
export interface RunningL4 {
  readonly engine: L4Engine;
  readonly address: string;
  readonly port: number;
  readonly deadlines: Deadlines;
  readonly records: readonly L4Record[];
  readonly refused: readonly string[];
  readonly drops: readonly DatagramDrop[];
  readonly ejected: readonly string[];
  /** Resolves once `count` connections or sessions are over. */
  finished(count: number): Promise<readonly L4Record[]>;
  /** Resolves once `count` datagrams have been dropped. */
  dropped(count: number): Promise<readonly DatagramDrop[]>;
  /** Resolves once `test` holds; looked at whenever something is told to the observer. */
  until(test: () => boolean, what: string): Promise<void>;
  setClusters(clusters: ClusterSpecs): void;
  setRoute(route: RouteSpec): void;
  removeListener(): void;
  setPassthrough(routes: Readonly<Record<string, RouteSpec>>): void;
  /** Another worker's socket on another port of the same address, with the route of the first; its port. */
  unconfiguredPort(): Promise<number>;
}

export async function startL4(test: TestContext, options: L4Options = {}): Promise<RunningL4> {
  const running = new Running(options);
  test.after(() => running.stop());
  await running.listen();
  return running;
}

/** A cluster `default/NAME:80` as the snapshot has it. */
export function clusterOf(name: string, endpoints: readonly (number | Endpoint)[]): Cluster {
  return {
    key: keyOf(name),
    name: `default-${name}-80`,
    namespace: 'default',
    service: name,
    port: '80',
    endpoints: endpoints.map((one) => (typeof one === 'number' ? { host: '127.0.0.1', port: one, weight: 1, state: 'ready' } : one)),
    unavailable: endpoints.length === 0 ? 'no endpoint is ready' : null,
    balance: { type: 'roundRobin' },
    affinity: null,
  };
}

/** A route as the snapshot has it. */
export function routeOf(spec: RouteSpec = {}): L4Route {
  const { targets = { main: 1 }, ...rest } = spec;
  return {
    owner: { kind: 'Service', namespace: 'default', name: 'db' },
    field: 'spec.ports[0]',
    targets: Object.entries(targets).map(([name, weight]) => ({ cluster: keyOf(name), weight })),
    sourceRanges: null,
    affinityTimeoutMs: null,
    acceptProxyProtocol: null,
    sendProxyProtocol: null,
    connectTimeoutMs: 2_000,
    idleTimeoutMs: 60_000,
    maxConnections: 20_000,
    ...rest,
  };
}

function keyOf(name: string): ClusterKey {
  return `default/${name}:80` as ClusterKey;
}

class Running implements RunningL4 {
  readonly engine: L4Engine;
  readonly deadlines: Deadlines;
  readonly records: L4Record[] = [];
  readonly refused: string[] = [];
  readonly drops: DatagramDrop[] = [];
  readonly ejected: string[] = [];
  readonly address: string;
  port = 0;
  opened = 0;
  readonly faults: unknown[] = [];
  readonly #options: L4Options;
  readonly #clusters: ClusterTable;
  #names: readonly string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(options: L4Options) {
    this.#options = options;
    this.address = options.address ?? '127.0.0.1';
    const clock = options.clock ?? systemClock;
    const random = options.random ?? Math.random;
    this.deadlines = new Deadlines(clock);
    if (options.clock === undefined) this.deadlines.start(20);
    this.#clusters = new ClusterTable({ clock, random });
    const told = (): void => {
      for (const wake of this.#waiting) wake();
    };
    this.engine = new L4Engine({
      clock,
      deadlines: this.deadlines,
      clusters: this.#clusters,
      random,
      onFault: (fault) => this.faults.push(fault),
      observer: {
        opened: () => {
          this.opened += 1;
          told();
        },
        finished: (record) => {
          this.records.push(record);
          told();
        },
        refused: (reason) => {
          this.refused.push(reason);
          told();
        },
        datagramDropped: (_route, reason) => {
          this.drops.push(reason);
          told();
        },
        endpointEjected: (cluster) => this.ejected.push(cluster.service),
      },
    });
    this.setClusters(options.clusters ?? {});
  }

  async listen(): Promise<void> {
    this.port = this.#options.protocol === 'udp' ? await this.#listenUdp() : await this.#listenTcp();
    this.setRoute(this.#options.route ?? {});
  }

  unconfiguredPort(): Promise<number> {
    return this.#listenTcp();
  }

  finished(count: number): Promise<readonly L4Record[]> {
    return this.until(() => this.records.length >= count, `${count} records`).then(() => this.records);
  }

  dropped(count: number): Promise<readonly DatagramDrop[]> {
    return this.until(() => this.drops.length >= count, `${count} drops`).then(() => this.drops);
  }

  async until(test: () => boolean, what: string): Promise<void> {
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), PATIENCE_MS);
    try {
      while (!test()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#waiting.add(resolve);
        const how = await Promise.race([promise, late.promise]);
        this.#waiting.delete(resolve);
        if (how === 'late') throw new Error(`no ${what}; ${this.records.length} records, ${this.drops.length} drops`);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  setClusters(specs: ClusterSpecs): void {
    const remove = this.#names.filter((name) => !(name in specs)).map(keyOf);
    this.#names = Object.keys(specs);
    const clusters = Object.entries(specs).map(([name, endpoints]) => clusterOf(name, endpoints));
    this.#clusters.apply({ upsert: clusters.map((cluster) => [cluster.key, cluster] as const), remove });
  }

  setRoute(spec: RouteSpec): void {
    const protocol = this.#options.protocol ?? 'tcp';
    const key = l4Key(protocol, this.address, this.port);
    const listener: L4Listener = { key, protocol, address: this.address, port: this.port, route: routeOf(spec) };
    this.engine.apply({ upsert: [[key, listener]], remove: [] }, { upsert: [], remove: [] });
  }

  removeListener(): void {
    const key = l4Key(this.#options.protocol ?? 'tcp', this.address, this.port);
    this.engine.apply({ upsert: [], remove: [key] }, { upsert: [], remove: [] });
  }

  setPassthrough(routes: Readonly<Record<string, RouteSpec>>): void {
    const upsert = Object.entries(routes).map(([host, spec]) => [host as HostPattern, routeOf(spec)] as const);
    this.engine.apply({ upsert: [], remove: [] }, { upsert, remove: [] });
  }

  async stop(): Promise<void> {
    const drained = this.engine.drain();
    this.engine.cut();
    await drained;
    this.deadlines.stop();
    assert.equal(this.engine.size, 0);
    assert.equal(this.records.length, this.opened, 'one record for each that was opened');
    assert.deepEqual(this.engine.usages().filter(({ open }) => open !== 0), []);
    const active = this.#clusters.views().filter(({ activeRequests }) => activeRequests !== 0);
    assert.deepEqual(active, [], 'no endpoint is left with open connections');
    assert.deepEqual(this.faults, []);
  }

  async #listenTcp(): Promise<number> {
    const { port, descriptors } = openListeningSockets({ address: this.address, port: 0, count: 1, backlog: LISTEN_BACKLOG });
    await this.engine.listen({ protocol: 'tcp', address: this.address, port, descriptor: descriptors[0] ?? -1 });
    return port;
  }

  async #listenUdp(): Promise<number> {
    const { port, descriptor } = await openDatagramDescriptor(this.address);
    await this.engine.listen({ protocol: 'udp', address: this.address, port, descriptor });
    return port;
  }
}

/** A bound UDP descriptor that nobody reads. */
async function openDatagramDescriptor(address: string): Promise<{ readonly port: number; readonly descriptor: number }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address();
  const handles = Object.getOwnPropertySymbols(socket).map((symbol): unknown => Reflect.get(socket, symbol));
  const state = handles.find((value) => typeof value === 'object' && value !== null && 'handle' in value) as { handle: { fd: number } };
  const descriptor = libc().duplicate(state.handle.fd);
  socket.close();
  await once(socket, 'close');
  return { port, descriptor };
}
