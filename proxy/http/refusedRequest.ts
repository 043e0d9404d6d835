import type { UpstreamError, UpstreamHandler, UpstreamRequest } from './upstream.ts';

/** A try that fails before a connection is opened for it. The error comes later, as all callbacks do. */
export function refusedRequest(error: UpstreamError, handler: UpstreamHandler): UpstreamRequest {
  let given = false;
  queueMicrotask(() => {
    if (!given) handler.onError(error);
  });
  return {
    connectMs: null,
    write: () => true,
    end: () => {},
    resumeResponse: () => {},
    abort: () => {
      given = true;
    },
  };
}
