import sonicBoom, { type SonicBoom } from 'sonic-boom';

/** Where finished lines go. `write` must neither block nor throw. */
export interface LogDestination {
  write(line: string): void;
  /** Resolves once everything is written, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

// Ours: enough for any burst of a healthy process; a reader that stalls longer loses lines, not the service.
const MAX_BUFFERED_BYTES = 1024 * 1024;

/**
 * Standard error (or another descriptor), written by the thread pool so that a stalled reader never stalls the caller.
 * Lines beyond 1 MiB of backlog are dropped; their number is written as soon as there is room again.
 */
export function openStandardError(descriptor = 2): LogDestination {
  const stream = new sonicBoom.SonicBoom({ fd: descriptor, sync: false, maxLength: MAX_BUFFERED_BYTES });
  let dropped = 0;
  let broken = false;
  stream.on('drop', () => { dropped += 1; });
  stream.on('drain', () => {
    if (dropped === 0) return;
    const count = dropped;
    dropped = 0;
    stream.write(`${JSON.stringify({ level: 'warn', message: 'log lines were dropped: the reader is too slow', count })}\n`);
  });
  // A closed standard error leaves nobody to tell; the service goes on without its log.
  stream.on('error', () => { broken = true; });
  return {
    write: (line) => { if (!broken) stream.write(line); },
    flush: (timeoutMs) => broken ? Promise.resolve() : flush(stream, timeoutMs),
  };
}

function flush(stream: SonicBoom, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    stream.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
