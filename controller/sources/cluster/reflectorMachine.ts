import type { KubeError } from '../../cluster/kubeApi.ts';
import { retryDelayMs, shortWatchDelayMs, type Random } from './retryDelay.ts';

/** Reading the state as of now, page by page; an empty token asks for the first page. */
export interface ListCommand {
  readonly type: 'list';
  readonly continueToken: string;
}

/** Following changes from a version on; an empty one: from now on, with what is there told first. */
export interface WatchCommand {
  readonly type: 'watch';
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

/** Doing nothing for a time, then this page, or (null) the watch. */
export interface WaitCommand {
  readonly type: 'wait';
  readonly waitMs: number;
  readonly afterwards: ListCommand | null;
}

/** What the shell is to do next. */
export type ReflectorCommand = ListCommand | WatchCommand | WaitCommand;

/** How what it did turned out. */
export type ReflectorOutcome =
  /** A page was read and its objects taken; an empty token: it was the last one. */
  | { readonly type: 'page'; readonly continueToken: string; readonly resourceVersion: string }
  /** During a watch: accepted, or an event that names the version it leads to. */
  | { readonly type: 'opened' }
  | { readonly type: 'event'; readonly resourceVersion: string }
  /** The server ended the watch. */
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly error: KubeError }
  | { readonly type: 'waited' };

/** What the held objects must undergo because of an outcome. */
export type ReflectorEffect =
  | 'none'
  /** A list begins: nothing has been seen in it yet. */
  | 'begin'
  /** A list is complete: what it did not show is gone. */
  | 'complete'
  /** The kind is not there: nothing is. */
  | 'clear';

/** What is wrong with a kind as a whole. */
export type ReflectorFault =
  /** No answer, or one that is a fault of the server: nothing the user wrote is wrong. */
  | { readonly type: 'away'; readonly error: KubeError }
  /** 401, 403, 400: it will stay so until somebody changes something. */
  | { readonly type: 'refused'; readonly verb: 'list' | 'watch'; readonly error: KubeError }
  /** 404 for the collection, said long enough to be believed. */
  | { readonly type: 'missing' };

/** All that is known of following one collection. */
export interface ReflectorState {
  /** What the shell is doing. */
  readonly command: ReflectorCommand;
  /** True once a list was complete, or the kind was found missing: what is held is what there was at one time. */
  readonly synced: boolean;
  /** Where to go on watching; null: a list is due. */
  readonly resourceVersion: string | null;
  readonly fault: ReflectorFault | null;
  /** In a row, without progress between them. */
  readonly failures: number;
  /** Since when every list was answered 404; null: the last was not. */
  readonly missingSinceMs: number | null;
  /** Of the watch that runs. */
  readonly watch: { readonly startedMs: number; readonly opened: boolean; readonly progressed: boolean } | null;
}

/** The new state, and what to do to what is held. */
export interface ReflectorStep {
  readonly state: ReflectorState;
  readonly effect: ReflectorEffect;
}

/** Time and chance as a step sees them. */
export interface ReflectorSurroundings {
  readonly nowMs: number;
  readonly random: Random;
}

/** A watch is asked to end after this long, plus as much again by chance. Ours: as client-go. */
const MIN_WATCH_SECONDS = 300;
/** A watch that was accepted and lived this long did its work, even if nothing happened. */
const SOUND_WATCH_MS = 1_000;
/** A watch that the server answers with errors so often in a row is given up for a new list, and again after as many. */
const MAX_WATCH_REFUSALS = 5;
/** The same for watches that end at once without a word: a version that is too old may be hidden by what stands between. */
const MAX_SHORT_WATCHES = 10;
/** How long a 404 must be said before it counts; long where it takes away objects that are in use, as an API server that starts may err. */
const NEW_MISSING_MS = 500;
const KNOWN_MISSING_MS = 5_000;
const MISSING_CHECK_MS = 500;
/** How soon a kind that comes to be is noticed. */
const MISSING_RECHECK_MS = 10_000;

const FIRST_PAGE: ListCommand = { type: 'list', continueToken: '' };

/** Nothing known: a list is due. */
export const INITIAL_REFLECTOR_STATE: ReflectorState = {
  command: FIRST_PAGE,
  synced: false,
  resourceVersion: null,
  fault: null,
  failures: 0,
  missingSinceMs: null,
  watch: null,
};

/** What follows from an outcome. Pure; the shell does what the new state's command says. */
export function reflectorStep(state: ReflectorState, outcome: ReflectorOutcome, around: ReflectorSurroundings): ReflectorStep {
  switch (outcome.type) {
    case 'page':
      return afterPage(state, outcome, around);
    case 'opened':
      return unchanged({ ...state, fault: null, watch: state.watch === null ? null : { ...state.watch, opened: true } });
    case 'event':
      return unchanged(afterEvent(state, outcome.resourceVersion));
    case 'ended':
      return afterEnd(state, around);
    case 'failed':
      return afterFailure(state, outcome.error, around);
    case 'waited':
      return afterWait(state, around);
  }
}

function unchanged(state: ReflectorState): ReflectorStep {
  return { state, effect: 'none' };
}

function afterPage(
  state: ReflectorState,
  { continueToken, resourceVersion }: { readonly continueToken: string; readonly resourceVersion: string },
  around: ReflectorSurroundings,
): ReflectorStep {
  // Failures are forgotten by the watch that works: a list that is always too old at its second page must not run in circles.
  const sound = { ...state, missingSinceMs: null, fault: null };
  if (continueToken !== '') return unchanged({ ...sound, command: { type: 'list', continueToken } });
  return { state: watching({ ...sound, synced: true, resourceVersion }, around), effect: 'complete' };
}

function afterEvent(state: ReflectorState, resourceVersion: string): ReflectorState {
  const version = resourceVersion === '' ? state.resourceVersion : resourceVersion;
  const watch = state.watch === null ? null : { ...state.watch, opened: true, progressed: true };
  return { ...state, resourceVersion: version, failures: 0, fault: null, watch };
}

function afterEnd(state: ReflectorState, around: ReflectorSurroundings): ReflectorStep {
  if (isSoundWatch(state, around)) return next({ ...state, failures: 0, fault: null, watch: null }, around);
  const failures = state.failures + 1;
  const resourceVersion = failures % MAX_SHORT_WATCHES === 0 ? null : state.resourceVersion;
  return unchanged(waiting({ ...state, resourceVersion, failures, watch: null }, shortWatchDelayMs(failures, around.random)));
}

function isSoundWatch({ watch }: ReflectorState, { nowMs }: ReflectorSurroundings): boolean {
  return watch !== null && (watch.progressed || (watch.opened && nowMs - watch.startedMs >= SOUND_WATCH_MS));
}

function afterFailure(state: ReflectorState, error: KubeError, around: ReflectorSurroundings): ReflectorStep {
  const failures = (isSoundWatch(state, around) ? 0 : state.failures) + 1;
  const failed: ReflectorState = { ...state, failures, watch: null };
  if (error.code === 'notFound') return afterMissing(failed, around);
  if (error.code === 'gone') return afterGone(failed, error, around);
  const listAgain = state.command.type === 'watch' && failures % MAX_WATCH_REFUSALS === 0 && isAnswer(error);
  const resourceVersion = listAgain ? null : state.resourceVersion;
  const known = { ...failed, resourceVersion, fault: faultOf(state.command, error), missingSinceMs: null };
  return unchanged(waiting(known, retryDelayMs(error, failures, around.random)));
}

/** The version is too old to go on from: at once the first time, as nothing is wrong. */
function afterGone(state: ReflectorState, error: KubeError, around: ReflectorSurroundings): ReflectorStep {
  const stale: ReflectorState = { ...state, resourceVersion: null, command: FIRST_PAGE };
  if (state.failures <= 1) return { state: stale, effect: 'begin' };
  return unchanged(waiting(stale, retryDelayMs(error, state.failures, around.random)));
}

function afterMissing(state: ReflectorState, around: ReflectorSurroundings): ReflectorStep {
  const missingSinceMs = state.missingSinceMs ?? around.nowMs;
  const asked: ReflectorState = { ...state, missingSinceMs, resourceVersion: null, command: FIRST_PAGE };
  const believed = state.fault?.type === 'missing' || around.nowMs - missingSinceMs >= (state.synced ? KNOWN_MISSING_MS : NEW_MISSING_MS);
  if (!believed) return unchanged(waiting(asked, MISSING_CHECK_MS));
  const missing: ReflectorState = { ...asked, synced: true, failures: 0, fault: { type: 'missing' } };
  const recheckMs = Math.round(MISSING_RECHECK_MS * (0.9 + around.random() / 10));
  return { state: waiting(missing, recheckMs), effect: 'clear' };
}

function afterWait(state: ReflectorState, around: ReflectorSurroundings): ReflectorStep {
  if (state.command.type !== 'wait') return unchanged(state);
  const { afterwards } = state.command;
  if (afterwards === null) return unchanged(watching(state, around));
  return { state: { ...state, command: afterwards }, effect: afterwards.continueToken === '' ? 'begin' : 'none' };
}

/** The watch from where it is known, or a list. */
function next(state: ReflectorState, around: ReflectorSurroundings): ReflectorStep {
  if (state.resourceVersion !== null) return unchanged(watching(state, around));
  return { state: { ...state, command: FIRST_PAGE }, effect: 'begin' };
}

function watching(state: ReflectorState, { nowMs, random }: ReflectorSurroundings): ReflectorState {
  const timeoutSeconds = MIN_WATCH_SECONDS + Math.floor(random() * MIN_WATCH_SECONDS);
  const command: WatchCommand = { type: 'watch', resourceVersion: state.resourceVersion ?? '', timeoutSeconds };
  return { ...state, command, watch: { startedMs: nowMs, opened: false, progressed: false } };
}

/** Waits, then does again what failed: the watch from where it had come, or the same page. */
function waiting(state: ReflectorState, waitMs: number): ReflectorState {
  const { command } = state;
  if (command.type === 'watch' && state.resourceVersion !== null) return { ...state, command: { type: 'wait', waitMs, afterwards: null } };
  const afterwards = command.type === 'list' && isRepeatable(state) ? command : FIRST_PAGE;
  return { ...state, command: { type: 'wait', waitMs, afterwards } };
}

/** A page may be asked for again unless the server found the question wrong. */
function isRepeatable({ fault }: ReflectorState): boolean {
  return fault?.type !== 'refused' || fault.error.code !== 'invalid';
}

function isAnswer({ code }: KubeError): boolean {
  return code !== 'unreachable' && code !== 'timeout' && code !== 'forbidden' && code !== 'unauthorized';
}

function faultOf(command: ReflectorCommand, error: KubeError): ReflectorFault {
  const refused = error.code === 'forbidden' || error.code === 'unauthorized' || error.code === 'invalid';
  if (!refused) return { type: 'away', error };
  return { type: 'refused', verb: command.type === 'watch' ? 'watch' : 'list', error };
}
