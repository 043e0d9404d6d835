import { connect, type Socket } from 'node:net';
import { createLineCutter, decodeToSuccessor, printTakeoverMessage } from './takeoverMessages.ts';
import type { AnnouncerReport } from '../report.ts';

/** The announcer that worked here before, and has let go of everything but its answers. */
export interface Predecessor {
  readonly report: AnnouncerReport | null;
  /** Tells it that its answers are not needed any more: it ends. */
  dismiss(): void;
}

/** What a call came to. */
export type PredecessorAnswer =
  /** Nobody is there, or whoever was has ended meanwhile. */
  | { readonly type: 'none' }
  /** Its controller has not ended, and the caller did not go on waiting for that. */
  | { readonly type: 'waits' }
  /** Somebody is there and says nothing, or nothing that can be understood. */
  | { readonly type: 'silent' }
  | { readonly type: 'yielded'; readonly predecessor: Predecessor };

/** Who calls. */
export interface CallOptions {
  readonly path: string;
  /** The predecessor's controller has not ended: answers whether the call goes on until it has. Asked about twice a second. */
  readonly goesOn: () => boolean;
}

/** Ours: many times what a busy predecessor takes for a word. */
const SILENCE_MS = 3_000;

/** Connecting to a path where nobody listens, or that is not there. */
const NOBODY = ['ENOENT', 'ECONNREFUSED'];

/** Asks the announcer that listens at `path` to yield. Rejects when the path cannot be used. */
export function callPredecessor({ path, goesOn }: CallOptions): Promise<PredecessorAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path).setEncoding('utf8');
    const silence = setTimeout(() => finish({ type: 'silent' }), SILENCE_MS);
    const finish = (answer: PredecessorAnswer): void => {
      clearTimeout(silence);
      if (answer.type !== 'yielded') socket.destroy();
      resolve(answer);
    };
    socket.on('data', createLineCutter((line) => {
      const message = decodeToSuccessor(line);
      if (message === null) return finish({ type: 'silent' });
      if (message.type === 'yielded') return finish({ type: 'yielded', predecessor: predecessorAt(socket, message.report) });
      if (!goesOn()) return finish({ type: 'waits' });
      silence.refresh();
    }));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(silence);
      if (!NOBODY.includes(error.code ?? '') && error.syscall === 'connect') reject(error);
    });
    socket.on('close', () => finish({ type: 'none' }));
  });
}

function predecessorAt(socket: Socket, report: AnnouncerReport | null): Predecessor {
  return { report, dismiss: () => { socket.end(printTakeoverMessage({ type: 'carriesOn' })); } };
}
