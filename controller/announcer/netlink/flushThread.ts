import { workerData } from 'node:worker_threads';
import type { StaleFlows } from '../kernel/kernelParts.ts';
import { flushFlows } from './flushFlows.ts';

/** The thread of one flush: see conntrackFlush.ts, which starts it with the flows. It ends with its work; a failure is its error. */
await flushFlows(workerData as readonly StaleFlows[]);
