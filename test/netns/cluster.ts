import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ingress } from '../support/manifests.ts';
import { until } from '../support/until.ts';
import { startBackends } from './backends.ts';
import { showLog, startGatehouseNode, type GatehouseNode } from './gatehouseNode.ts';
import { startLab, type Lab, type LabOptions } from './lab.ts';
import type { LabHost } from './labHost.ts';
import { FIRST_VIP_HOST } from './labAddresses.ts';
import { nodeObjects, poolOf, serviceObjects, writeObjects, type L2AdvertisementManifest, type LabManifest, type LabPort, type LabService } from './labObjects.ts';
import { repliers } from './neighbours.ts';

/** A lab with a Gatehouse on each node, all of one manifests folder. */
export interface Cluster {
  readonly lab: Lab;
  /** By node number from 1 on. */
  gatehouse(number: number): GatehouseNode;
  readonly gatehouses: readonly GatehouseNode[];
  /** Changes the objects; resolves once every node that runs serves the result. */
  change(changes: Partial<ClusterObjects>): Promise<void>;
  /** Number of the one node that answers for an address; waits until there is exactly one, and none of `not`. */
  owner(address: string, options?: OwnerOptions): Promise<number>;
  /** A part of the test; tells what all nodes have logged during it if it fails. */
  step(name: string, body: (t: TestContext) => Promise<void>): Promise<void>;
  /** Starts another Gatehouse on a node whose own has ended. */
  startAgain(number: number): Promise<void>;
}

export interface OwnerOptions {
  readonly not?: readonly number[];
  /** Who asks; default: the client. */
  readonly from?: LabHost;
}

/** What the folder says. */
export interface ClusterObjects {
  readonly services: readonly LabService[];
  readonly advertisement: L2AdvertisementManifest['spec'];
  /** By node number. */
  readonly labels: Readonly<Record<number, Readonly<Record<string, string>>>>;
  readonly others: readonly LabManifest[];
}

export interface ClusterOptions {
  /** Of the objects at the start. */
  readonly objects: (lab: Lab) => Partial<ClusterObjects>;
  readonly lab?: LabOptions;
  readonly args?: readonly string[];
  /** Numbers of nodes, from the end, that get no Gatehouse. */
  readonly without?: readonly number[];
}

const FIRST_MARK_PORT = 20_000;

/** Starts lab, backends, and Gatehouse on every node; resolves once all are ready. */
export async function startCluster(t: TestContext, { objects, lab: labOptions, args, without = [] }: ClusterOptions): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-lab-'));
  // Hooks run in the order they were registered: processes end with the lab, before their folders go.
  const lab = await startLab(t, labOptions);
  const numbers = lab.nodes.map(({ number }) => number).filter((number) => !without.includes(number));
  t.after(async () => {
    const states = lab.nodes.flatMap(({ nodeName }) => [`${folder}-state-${nodeName}`, `${folder}-run-${nodeName}`]);
    for (const each of [folder, ...states]) await rm(each, { recursive: true, force: true });
  });
  let now: ClusterObjects = { services: [], advertisement: {}, labels: {}, others: [], ...objects(lab) };
  const objectsOf = ({ advertisement, labels, services, others }: ClusterObjects) =>
    [...poolOf(advertisement), ...nodeObjects(lab, labels), ...services.flatMap((service) => serviceObjects(lab, service)), ...others];
  let changed = 0;
  const withMark = (all: readonly LabManifest[]) => [...all, ...markOf(lab, changed)];
  await Promise.all([startBackends(t, lab.nodes), writeObjects(folder, withMark(objectsOf(now)))]);
  const start = (number: number) => startGatehouseNode(t, lab.node(number), { folder, ...(args === undefined ? {} : { args }) });
  const gatehouses = await Promise.all(numbers.map(start));
  const running = () => gatehouses.filter(({ process }) => process.exitCode === null && process.signalCode === null);
  return {
    lab,
    gatehouses,
    gatehouse: (number) => {
      const found = gatehouses[number - 1];
      if (found === undefined) throw new Error(`there is no node ${number}`);
      return found;
    },
    change: async (changes) => {
      now = { ...now, ...changes };
      changed += 1;
      const served = await Promise.all(running().map(async (gatehouse) => ({ gatehouse, generation: await gatehouse.generation() })));
      await writeObjects(folder, withMark(objectsOf(now)));
      await Promise.all(served.map(({ gatehouse, generation }) => gatehouse.applied(generation + 1)));
    },
    step: (name, body) =>
      t.test(name, async (part) => {
        const logged = new Map(gatehouses.map((gatehouse) => [gatehouse, gatehouse.log.length]));
        part.after(() => {
          if (!part.passed) for (const gatehouse of gatehouses) showLog(part, gatehouse, logged.get(gatehouse) ?? 0);
        });
        await body(part);
      }),
    owner: (address, options = {}) => ownerOf(lab, address, options),
    startAgain: async (number) => {
      gatehouses[number - 1] = await start(number);
    },
  };
}

/**
 * Objects that differ each time, for proxy and kernel: only what is served differently makes a generation that can be waited for, and
 * much of what is changed here is not.
 */
function markOf(lab: Lab, number: number): LabManifest[] {
  const ports: readonly LabPort[] = [
    { name: 'http', protocol: 'TCP', port: 80, targetPort: FIRST_MARK_PORT },
    { name: 'mark', protocol: 'TCP', port: FIRST_MARK_PORT + number, targetPort: FIRST_MARK_PORT },
  ];
  return [
    ingress('mark', `mark-${number}.test`, [{ path: '/', service: 'mark' }]),
    ...serviceObjects(lab, { name: 'mark', vip: FIRST_VIP_HOST + 49, on: [], ports }),
  ];
}

async function ownerOf(lab: Lab, address: string, { not = [], from = lab.client }: OwnerOptions): Promise<number> {
  let last: readonly string[] = [];
  const find = async (): Promise<number | null> => {
    last = await repliers(from, address);
    const [mac] = last;
    const number = last.length === 1 ? lab.nodes.find((node) => node.mac === mac)?.number : undefined;
    return number === undefined || not.includes(number) ? null : number;
  };
  try {
    return await until(`one node answers for ${address}`, find);
  } catch (error) {
    throw new Error(`${address} is answered by ${last.join(' and ') || 'nobody'}`, { cause: error });
  }
}
