import { pino } from 'pino';
import { printTextLine } from './textLine.ts';
import { openStandardError, type LogDestination } from './standardError.ts';

/** Levels in rising order; `silent` writes nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** How much is written: this level and everything above it. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Facts beside a message. `error` may be an Error (printed with its stack); never put a secret here. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What parts of Gatehouse log through. Writing never blocks and never throws. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
  /** Resolves once what was logged so far is written, or after `timeoutMs` (default 1000) if the reader stalls. */
  flush(timeoutMs?: number): Promise<void>;
}

/** `name` says which process speaks; `destination` defaults to the process's standard error. */
export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  readonly name: string;
  readonly destination?: LogDestination;
}

/** True when `text` names a level. */
export function isLogLevel(text: unknown): text is LogLevel {
  return LOG_LEVELS.some((level) => level === text);
}

/** A logger on `destination`: one JSON object per line, or one line for a person to read. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? openStandardError();
  const write = options.format === 'json'
    ? (line: string): void => destination.write(line)
    : (line: string): void => destination.write(printTextLine(line));
  const lines = pino({
    level: options.level,
    base: { name: options.name },
    messageKey: 'message',
    errorKey: 'error',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }, { write });
  return wrap(lines, destination);
}

/** Swallows everything: for tests and for parts that were given no logger. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
  flush: () => Promise.resolve(),
};

function wrap(lines: pino.Logger, destination: LogDestination): Logger {
  return {
    debug: (message, fields = {}) => { lines.debug(fields, message); },
    info: (message, fields = {}) => { lines.info(fields, message); },
    warn: (message, fields = {}) => { lines.warn(fields, message); },
    error: (message, fields = {}) => { lines.error(fields, message); },
    child: (fields) => wrap(lines.child(fields), destination),
    flush: (timeoutMs = 1000) => destination.flush(timeoutMs),
  };
}
