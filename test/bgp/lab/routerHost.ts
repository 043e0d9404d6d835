import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { lanAddress } from '../../netns/labAddresses.ts';
import type { Lab } from '../../netns/lab.ts';
import { plug, type LabHost } from '../../netns/labHost.ts';
import { addNamespace, removeNamespace } from '../../netns/namespace.ts';
import type { RouterPlace } from './router.ts';

/** A machine of the lab for a router of another make. */
export interface RouterHost extends RouterPlace {
  readonly namespace: LabHost;
}

const FIRST_ROUTER_HOST = 30;

/** Plugs one into the switch of a lab: host `30 + number` of its subnet. It stands until the test ends. */
export async function addRouterHost(t: TestContext, lab: Lab, number: number): Promise<RouterHost> {
  const bare = await addNamespace(lab.switch.name.replace(/switch$/, `router${number}`));
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-router-'));
  t.after(async () => {
    await removeNamespace(bare);
    await rm(folder, { recursive: true, force: true });
  });
  const namespace = await plug(lab.switch, bare, { port: `peer${number}`, addresses: lanAddress(FIRST_ROUTER_HOST + number), gateway: lab.router.addresses });
  return { namespace, folder };
}
