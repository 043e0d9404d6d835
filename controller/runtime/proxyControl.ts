import type { SnapshotDelta } from '../../core/ir/snapshot.ts';
import type { ListenerAddress } from '../../core/ipc/messages.ts';
import type { EndpointView, Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import type { ListenerOutcome } from '../processes/proxyListeners.ts';
import type { ProxyProcessEvents } from '../processes/proxyProcess.ts';
import type { ListenerView } from '../status/statusView.ts';

/** The proxy as the runtime drives it: ProxyProcess, or a fake. */
export interface ProxyControl {
  /** Listening addresses with the ports that are bound. */
  readonly listeners: readonly ListenerView[];
  /** Process id; null while none runs. */
  readonly pid: number | null;
  /** Opens the listening sockets and starts the process; rejects when an address cannot be listened on, and undoes. */
  start(): Promise<void>;
  /** Changes in order of generation; a process that starts again is caught up by itself. */
  apply(delta: SnapshotDelta): void;
  /**
   * Makes `wanted` the complete set of listeners beside those of the start: opens, keeps and closes as needed, while the
   * process runs or not. Answers what became of each, in order; what failed is tried again by the next call. Never rejects.
   */
  setListeners(wanted: readonly ListenerAddress[]): Promise<readonly ListenerOutcome[]>;
  /** Rejects when the process does not answer. */
  explain(request: ExplainRequest): Promise<Explanation>;
  /** Has the counters up to now reported, then answers; rejects when the process does not answer. */
  collect(withEndpoints: boolean): Promise<readonly EndpointView[]>;
  /** Stops accepting, lets open requests finish, cuts what is left after `timeoutMs`. Resolves when the process is gone. */
  drain(timeoutMs: number): Promise<{ readonly cutConnections: number }>;
}

/** Makes a proxy that is not started yet. */
export type CreateProxy = (events: ProxyProcessEvents) => ProxyControl;
