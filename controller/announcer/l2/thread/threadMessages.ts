import type { Right } from '../../../election/electionState.ts';
import type { FrameCounts } from '../../report.ts';
import type { L2Answer, L2SpeakerEvents } from '../../parts.ts';

/** What the thread is started with. */
export interface L2ThreadStart {
  /** Of the ConfirmationWriter. */
  readonly confirmation: SharedArrayBuffer;
  /** Can be read whenever a message waits: the thread sleeps in poll(2), where no message reaches it. */
  readonly wakeDescriptor: number;
  readonly gratuitousIntervalMs: number;
}

/** Main thread to L2 thread; after each of them the thread is woken. */
export type ToL2Thread =
  /** `afresh`: it has been silent, or is new: all of them are to be announced. */
  | { readonly type: 'answers'; readonly generation: number; readonly answers: readonly L2Answer[]; readonly afresh: boolean }
  /** MACs of all interfaces, and the indexes of those that have just come up. */
  | { readonly type: 'links'; readonly macs: readonly string[]; readonly up: readonly number[] }
  /** Until when answers that are `leased` may be spoken for, by address. */
  | { readonly type: 'rights'; readonly rights: ReadonlyMap<string, Right> }
  | { readonly type: 'count'; readonly request: number }
  | { readonly type: 'stop' };

/** L2 thread to main thread. */
export type FromL2Thread =
  | { readonly type: 'ready' }
  | { readonly type: 'conflict'; readonly seen: Parameters<L2SpeakerEvents['conflict']>[0] }
  | { readonly type: 'takenOver'; readonly address: string }
  | { readonly type: 'counted'; readonly request: number; readonly counts: ReadonlyMap<string, FrameCounts> }
  /** An interface cannot be used, and why; null: it can again. It is tried again and again. */
  | { readonly type: 'interface'; readonly name: string; readonly fault: string | null }
  /** Switches are not told that it hears its groups, and why. */
  | { readonly type: 'unreported'; readonly interface: string; readonly fault: string }
  /** Frames that its queue did not take, since the last such message. */
  | { readonly type: 'dropped'; readonly interface: string; readonly frames: number };
