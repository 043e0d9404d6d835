/** Requests that were sent with an id and wait for the answer with the same id. */
export interface PendingRequests<Answer> {
  /** Calls `send` with a fresh id; resolves with the answer, rejects with RequestError or with what `send` throws. */
  open(send: (id: number) => void): Promise<Answer>;
  /** Hands an answer to whoever waits; one that came too late, or was never asked for, is ignored. */
  settle(id: number, answer: Answer): void;
  /** Rejects everything that waits: the other side is gone. */
  abandon(reason: string): void;
}

/** A request without an answer: the other side stayed silent (`timeout`) or went away (`gone`). Both may be tried again. */
export class RequestError extends Error {
  readonly code: 'timeout' | 'gone';

  constructor(code: 'timeout' | 'gone', message: string) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
  }
}

interface Waiter<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/** Requests of one kind to `subject` (`the proxy`, `worker 2`), each of which waits `timeoutMs` at most. */
export function createPendingRequests<Answer>(subject: string, timeoutMs: number): PendingRequests<Answer> {
  const byId = new Map<number, Waiter<Answer>>();
  let lastId = 0;
  const take = (id: number): Waiter<Answer> | undefined => {
    const waiter = byId.get(id);
    byId.delete(id);
    clearTimeout(waiter?.timer);
    return waiter;
  };
  return {
    open: (send) => {
      lastId += 1;
      const id = lastId;
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const timer = setTimeout(() => {
        take(id)?.reject(new RequestError('timeout', `${subject} did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      byId.set(id, { resolve, reject, timer });
      try {
        send(id);
      } catch (error) {
        take(id)?.reject(error);
      }
      return promise;
    },
    settle: (id, answer) => take(id)?.resolve(answer),
    abandon: (reason) => {
      for (const id of byId.keys()) take(id)?.reject(new RequestError('gone', `${subject} cannot answer: ${reason}`));
    },
  };
}
