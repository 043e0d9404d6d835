import { extname } from 'node:path';
import { runProxy } from './process/runProxy.ts';

/** Ours: long beside any pause of a healthy worker (garbage collection, a snapshot of 10,000 hosts). */
const STUCK_AFTER_MS = 10_000;

// The published package holds .js, a checkout .ts.
const workerEntry = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url);

runProxy({ workerEntry, stuckAfterMs: STUCK_AFTER_MS });
