import { KubeError, type KubeApi, type KubeRequest } from '../cluster/kubeApi.ts';

/** Thrown instead of sending: this process may not write any more. */
export class DeposedError extends Error {
  override readonly name = 'DeposedError';
}

/** Sends requests as long as this process may write: it is asked right before each single one. */
export function createLeaderRequests(api: KubeApi, mayWrite: () => boolean): (request: KubeRequest) => Promise<unknown> {
  // Not an async function: between the question and the request nothing else runs.
  return (request) => (mayWrite() ? api.request(request) : Promise.reject(new DeposedError('not the leader')));
}

/** Whatever a request ended with, as the failure it stands for; null: it was given up by ourselves. */
export function failureOf(error: unknown, signal: AbortSignal): KubeError | null {
  if (signal.aborted || error instanceof DeposedError) return null;
  if (error instanceof KubeError) return error;
  return new KubeError('server', error instanceof Error ? error.message : String(error), { cause: error });
}
