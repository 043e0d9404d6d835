import type { BfdEndpoint, BfdReport, BfdSpeakerEvents } from '../bfdSpeaker.ts';
import type { ThreadPriority } from './raisePriority.ts';

/** What the thread is started with. */
export interface BfdThreadStart {
  /** Of the LifeSigns. */
  readonly lifeSigns: SharedArrayBuffer;
  /** Can be read whenever a message waits: the thread sleeps in poll(2), where no message reaches it. */
  readonly wakeDescriptor: number;
}

/** Main thread to BFD thread; after each of them the thread is woken. */
export type ToBfdThread =
  | { readonly type: 'sessions'; readonly sessions: readonly BfdEndpoint[] }
  | { readonly type: 'report'; readonly request: number }
  | { readonly type: 'stop' };

/** BFD thread to main thread. */
export type FromBfdThread =
  | { readonly type: 'ready'; readonly priority: ThreadPriority }
  | { readonly type: 'changed'; readonly news: Parameters<BfdSpeakerEvents['changed']>[0] }
  | { readonly type: 'reported'; readonly request: number; readonly reports: ReadonlyMap<string, BfdReport> }
  /** A socket cannot be used, and why; null: it can again. It is tried again and again. `subject`: a session, or a port. */
  | { readonly type: 'socket'; readonly subject: string; readonly fault: string | null }
  /** Nothing is sent, as the main thread is stuck; false: no longer so. */
  | { readonly type: 'silent'; readonly silent: boolean };
