import { rename, stat, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { createLineCutter, decodeFromSuccessor, printTakeoverMessage, WAIT_INTERVAL_MS } from './takeoverMessages.ts';
import type { AnnouncerReport } from '../report.ts';

/** Where announcers that are to take this one's place are waiting. */
export interface SuccessorServer {
  /** Somebody waits. */
  waits(): boolean;
  /**
   * Lets go: `yielding` stops all but the answers and gives the last report, which goes to whoever has waited longest.
   * Answers `carriesOn` once that one answers for the VIPs, `none` when nobody waits or whoever did has ended.
   */
  yieldTo(yielding: () => Promise<AnnouncerReport | null>): Promise<'carriesOn' | 'none'>;
  /** The path leads to another announcer by now: this one is superfluous. */
  replaced(): Promise<boolean>;
  /** Nobody can call any more. The path is removed, unless it leads to another one. */
  close(): Promise<void>;
}

/** Anybody who can enter the folder may connect: it is the folder that keeps others out. */
const FOR_ALL = { readableAll: true, writableAll: true } as const;

/**
 * Listens at `path`, in the place of whatever is there: a socket that was left behind, or that of a predecessor who has
 * yielded. `onCall` tells of each announcer that has connected and waits.
 */
export async function listenForSuccessors(path: string, onCall: () => void): Promise<SuccessorServer> {
  const waiting: Socket[] = [];
  const server = createServer((socket) => {
    socket.setEncoding('utf8').on('error', () => {});
    queue(socket, waiting);
    onCall();
  });
  const ownPath = `${path}.${process.pid}`;
  await unlinkIfThere(ownPath);
  await once(server.listen({ path: ownPath, ...FOR_ALL }), 'listening');
  // A name that moves in one step is never missing, whoever looks for it meanwhile.
  await rename(ownPath, path);
  const { ino } = await stat(path);
  const replaced = async (): Promise<boolean> => (await inodeOf(path)) !== ino;
  return {
    waits: () => waiting.length > 0,
    yieldTo: (yielding) => yieldToFirst(waiting, yielding),
    replaced,
    close: async () => {
      if (!await replaced()) await unlinkIfThere(path);
      for (const socket of waiting) socket.destroy();
      await closeServer(server);
    },
  };
}

function queue(socket: Socket, waiting: Socket[]): void {
  waiting.push(socket);
  const wait = (): void => { if (waiting.includes(socket)) socket.write(printTakeoverMessage({ type: 'wait' })); };
  const repeating = setInterval(wait, WAIT_INTERVAL_MS);
  socket.once('close', () => {
    clearInterval(repeating);
    const index = waiting.indexOf(socket);
    if (index >= 0) waiting.splice(index, 1);
  });
}

async function yieldToFirst(waiting: Socket[], yielding: () => Promise<AnnouncerReport | null>): Promise<'carriesOn' | 'none'> {
  if (waiting.length === 0) return 'none';
  const report = await yielding();
  for (let socket = waiting.shift(); socket !== undefined; socket = waiting.shift()) {
    if (await carriesOn(socket, report)) return 'carriesOn';
  }
  return 'none';
}

/** False once it has ended without having said so. */
function carriesOn(socket: Socket, report: AnnouncerReport | null): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve(false);
    socket.on('data', createLineCutter((line) => { if (decodeFromSuccessor(line) !== null) resolve(true); }));
    socket.once('close', () => resolve(false));
    socket.write(printTakeoverMessage({ type: 'yielded', report }));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => { server.close(() => resolve()); });
}

async function inodeOf(path: string): Promise<number | null> {
  return await stat(path).then(({ ino }) => ino, () => null);
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error; });
}
