import { Agent as HttpAgent, type AgentOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { send, type Received, type Sent } from './send.ts';

/** What to send again and again. */
export interface LoadOptions {
  /** Connections, each with one request at a time. */
  readonly lanes: number;
  /** The next request; asked before each one. `number` counts the requests of all lanes from 0. */
  readonly request: (number: number) => Omit<Sent, 'agent'>;
  /** Why an answer is a failure, or null; default: every status but 200 is. */
  readonly judge?: (received: Received, number: number) => string | null;
  /** A new connection for every request. */
  readonly fresh?: boolean;
  /** Rest of each lane between two requests, ms; default 2, as the machine is shared with what is tested. */
  readonly restMs?: number;
}

/** What became of the requests of a load. */
export interface LoadOutcome {
  readonly answered: number;
  /** Error code or judgement of each failed request, in order. */
  readonly failures: readonly string[];
  /** Kept connections that were closed before the load was stopped, announced or not. */
  readonly closed: number;
}

export interface Load {
  /** As it stands now. */
  readonly outcome: LoadOutcome;
  /** Resolves when so many more requests have been answered. */
  answers(more: number): Promise<void>;
  /** Ends after the requests under way. */
  stop(): Promise<LoadOutcome>;
}

/** Starts sending; goes on until stopped or the test is over, whatever fails. */
export function startLoad(t: TestContext, options: LoadOptions): Load {
  const load = new RunningLoad(options);
  t.after(() => load.stop());
  return load;
}

class RunningLoad implements Load {
  readonly #options: LoadOptions;
  readonly #lanes: Promise<void>[];
  readonly #failures: string[] = [];
  readonly #waiting = new Set<{ readonly from: number; readonly resolve: () => void }>();
  #answered = 0;
  #sent = 0;
  #closed = 0;
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#lanes = Array.from({ length: options.lanes }, () => this.#lane());
  }

  get outcome(): LoadOutcome {
    return { answered: this.#answered, failures: [...this.#failures], closed: this.#closed };
  }

  answers(more: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add({ from: this.#answered + more, resolve });
    return promise;
  }

  async stop(): Promise<LoadOutcome> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    for (const { resolve } of this.#waiting) resolve();
    return this.outcome;
  }

  async #lane(): Promise<void> {
    const agents = this.#options.fresh === true ? null : this.#keepingAgents();
    while (!this.#stopped) {
      const number = this.#sent++;
      const request = this.#options.request(number);
      const agent = request.tls === undefined ? agents?.plain : agents?.tls;
      try {
        this.#judge(await send(agent === undefined ? request : { ...request, agent }), number);
      } catch (error) {
        this.#failures.push(codeOf(error));
      }
      await sleep(this.#options.restMs ?? 2);
    }
    agents?.plain.destroy();
    agents?.tls.destroy();
  }

  #keepingAgents(): { readonly plain: HttpAgent; readonly tls: HttpsAgent } {
    const onClose = (): void => {
      if (!this.#stopped) this.#closed += 1;
    };
    const options = { keepAlive: true, maxSockets: 1 };
    return { plain: watched(new HttpAgent(options), onClose), tls: watched(new HttpsAgent(options), onClose) };
  }

  #judge(received: Received, number: number): void {
    const judgement = this.#options.judge?.(received, number) ?? (received.status === 200 ? null : `status ${received.status}`);
    if (judgement !== null) return void this.#failures.push(judgement);
    this.#answered += 1;
    for (const waiting of this.#waiting) {
      if (this.#answered < waiting.from) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}

/** `onClose` is called for each connection of the agent that closes. */
function watched<A extends HttpAgent>(agent: A, onClose: () => void): A {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options: AgentOptions, callback?: (error: Error | null, stream: Duplex) => void) => {
    const socket = connect(options, callback);
    socket?.on('close', onClose);
    return socket;
  };
  return agent;
}

/** `ECONNREFUSED` and the like. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
