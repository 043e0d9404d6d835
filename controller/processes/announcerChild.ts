import { spawn, type ChildProcess } from 'node:child_process';
import { diffWanted, isEmptyDelta, type NumberedWanted } from '../announcer/wantedDelta.ts';
import { announcerEnvironment, type AnnouncerPlaces } from './childEnvironment.ts';
import { decodeFromAnnouncer } from './decodeFromAnnouncer.ts';
import type { FromAnnouncer, ToAnnouncer } from '../announcer/messages.ts';
import type { Launch } from './announcerLaunch.ts';
import type { ProxyChildEnd } from './proxyChild.ts';

/** What an announcer process is started with. */
export interface AnnouncerChildOptions {
  readonly launch: Launch;
  readonly places: AnnouncerPlaces;
  readonly start: Omit<Extract<ToAnnouncer, { readonly type: 'start' }>, 'type'>;
}

/** What a child tells its owner. */
export interface AnnouncerChildEvents {
  readonly received: (message: FromAnnouncer) => void;
  /** It sent something that is no message: the versions differ, or somebody has taken it over. */
  readonly broken: () => void;
  /** Called once. */
  readonly ended: (end: ProxyChildEnd) => void;
}

/** One life of one announcer process. */
export interface AnnouncerChild {
  readonly pid: number | null;
  /** Sends what is new since the last time; what comes while the channel is full goes out as one, once there is room. */
  want(next: NumberedWanted): void;
  send(message: Exclude<ToAnnouncer, { readonly type: 'start' | 'want' }>): void;
  kill(): void;
}

/** Starts one as `describe` says, which may throw. What prevents the start is told as its end, later. */
export function startAnnouncerChild(describe: () => AnnouncerChildOptions, events: AnnouncerChildEvents): AnnouncerChild {
  const end = onlyOnce(events.ended);
  const { child, start } = trySpawn(describe, end);
  const send = (message: ToAnnouncer, written = (): void => {}): void => {
    // A failed write means that the process is going; its end is handled as such.
    if (child?.connected === true) child.send(message, written);
  };
  child?.on('message', (value: unknown) => {
    const message = decodeFromAnnouncer(value);
    if (message === null) events.broken();
    else events.received(message);
  });
  child?.once('error', (error) => { if (child.pid === undefined) end({ code: null, signal: null, error }); });
  // `close`, not `exit`: what the process said last may still be in the channel when it exits.
  child?.once('close', (code, signal) => end({ code, signal, error: null }));
  if (start !== null) send({ type: 'start', ...start });
  return { get pid() { return child?.pid ?? null; }, want: wantInTurn(send), send, kill: () => { child?.kill('SIGKILL'); } };
}

interface Spawned {
  readonly child: ChildProcess | null;
  readonly start: AnnouncerChildOptions['start'] | null;
}

function trySpawn(describe: () => AnnouncerChildOptions, end: AnnouncerChildEvents['ended']): Spawned {
  try {
    const { launch, places, start } = describe();
    const child = spawn(launch.command, launch.args, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
      cwd: '/',
      env: announcerEnvironment(places),
      // Out of the reach of signals to the controller's group and of its terminal: it is to go on when that ends.
      detached: true,
    });
    return { child, start };
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    setImmediate(() => end({ code: null, signal: null, error: cause }));
    return { child: null, start: null };
  }
}

/** Only the newest state waits for room in the channel: it is compared with what was sent when it goes out. */
function wantInTurn(send: (message: ToAnnouncer, written: () => void) => void): (next: NumberedWanted) => void {
  let sent: NumberedWanted | null = null;
  let waiting: NumberedWanted | null = null;
  let writing = false;
  const next = (): void => {
    if (writing || waiting === null) return;
    const delta = diffWanted(sent?.wanted ?? null, waiting);
    const isKnown = isEmptyDelta(delta) && sent?.generation === waiting.generation;
    sent = waiting;
    waiting = null;
    if (isKnown) return;
    writing = true;
    send({ type: 'want', delta }, () => {
      writing = false;
      next();
    });
  };
  return (state) => {
    waiting = state;
    next();
  };
}

function onlyOnce<Value>(tell: (value: Value) => void): (value: Value) => void {
  let told = false;
  return (value) => {
    if (told) return;
    told = true;
    tell(value);
  };
}
