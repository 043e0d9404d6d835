const MEBIBYTE = 1024 * 1024;
/** Ours: the rest is for buffers, TLS and the main thread, which V8's heap does not count. */
const HEAP_SHARE = 0.6;
const LEAST_MIB = 128;
/** V8's own default ceiling on 64-bit machines. */
const MOST_MIB = 4096;

/** Old-generation heap of one worker, MiB, so that one that grows without bound dies alone and not with the process. */
export function heapLimitMib(memoryBytes: number, workers: number): number {
  const share = Math.floor((memoryBytes * HEAP_SHARE) / MEBIBYTE / workers);
  return Math.min(MOST_MIB, Math.max(LEAST_MIB, share));
}
