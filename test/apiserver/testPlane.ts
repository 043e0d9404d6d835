import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServerOptions } from './apiServer.ts';
import { startControlPlane, type ControlPlane } from './controlPlane.ts';
import { clientOf, type TestClient } from './testClient.ts';

/** The control plane of a test file and an administrator of it; both may be used in tests only, not while the file loads. */
export interface TestPlane {
  readonly plane: ControlPlane;
  readonly client: TestClient;
}

/** Starts a control plane before the tests of the file that calls this, and stops it after them. `ready` is called in between. */
export function usePlane(options: ApiServerOptions = {}, ready: (plane: ControlPlane) => void = () => {}): TestPlane {
  let started: TestPlane | null = null;
  const get = (): TestPlane => {
    if (started === null) throw new Error('the control plane is there within tests only');
    return started;
  };
  before(async () => {
    const plane = await startControlPlane(options);
    const client = clientOf(plane.kubeconfig());
    started = { plane, client };
    // The real server makes its first Namespaces after it is ready.
    for (let tries = 0; tries < 200 && (await client.get('/api/v1/namespaces/default')).status !== 200; tries += 1) await sleep(50);
    ready(plane);
  });
  after(async () => {
    started?.client.close();
    await started?.plane.stop();
  });
  return {
    get plane() {
      return get().plane;
    },
    get client() {
      return get().client;
    },
  };
}
