import type { Explanation } from '../../core/ipc/views.ts';

/** The answer when no explanation can be had: one step that says why. */
export function unexplained(reason: string): Explanation {
  const text = `the proxy cannot explain this request: ${reason}`;
  return { steps: [{ step: 'answer', text }], ingress: null, field: null, cluster: null, endpoint: null, status: null };
}
