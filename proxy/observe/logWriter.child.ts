/**
 * The process of logWriter.test.ts: two worker threads log as fast as they can, the main thread writes to standard output.
 * Obeys messages (`flood`, `settle`, `more`, `end`) and answers each with a ChildReport.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { AccessLog, type LogBatch } from './accessLog.ts';
import { createLogBudget, LogBudget } from './logBudget.ts';
import { logStream } from './logStream.ts';
import { LogWriter } from './logWriter.ts';
import { testRecord } from './testRecord.ts';

export interface ChildReport {
  readonly order: string;
  readonly produced: number;
  readonly dropped: number;
  readonly pendingBytes: number;
  /** Lines that `end` gave up. */
  readonly unwritten: number;
}

export const BUDGET_BYTES = 262_144;
export const WORKERS = 2;
const FLOOD_LINES = 20_000;
const MORE_LINES = 500;

type FromWorker = LogBatch | { readonly produced: number; readonly dropped: number };

function runWorker(): void {
  const { name, shared } = workerData as { readonly name: string; readonly shared: SharedArrayBuffer };
  let dropped = 0;
  const log = new AccessLog(
    { format: 'text' },
    {
      budget: new LogBudget(shared),
      send: (batch) => parentPort?.postMessage(batch, [batch.bytes.buffer]),
      onDropped: (lines) => (dropped += lines),
    },
  );
  let produced = 0;
  parentPort?.on('message', (lines: number) => {
    for (let index = 0; index < lines; index += 1) log.add(testRecord({ target: `/${name}/${produced++}` }));
    log.flush();
    parentPort?.postMessage({ produced, dropped } satisfies FromWorker);
  });
}

function runMain(): void {
  let droppedByWriter = 0;
  const writer = new LogWriter(logStream(process.stdout), { onDropped: (lines) => (droppedByWriter += lines) });
  const workers = Array.from({ length: WORKERS }, (_, index) => {
    const budget = createLogBudget(BUDGET_BYTES);
    const worker = new Worker(new URL(import.meta.url), { workerData: { name: `w${index}`, shared: budget.shared } });
    const state = { worker, budget, produced: 0, dropped: 0, onCounted: (): void => undefined };
    worker.on('message', (message: FromWorker) => {
      if ('bytes' in message) return writer.write(message, budget);
      Object.assign(state, message);
      state.onCounted();
    });
    return state;
  });
  const log = (lines: number): Promise<unknown> =>
    Promise.all(
      workers.map((state) => {
        state.worker.postMessage(lines);
        return new Promise<void>((resolve) => (state.onCounted = resolve));
      }),
    );
  let unwritten = 0;
  const obey: Record<string, () => Promise<unknown>> = {
    flood: () => log(FLOOD_LINES),
    settle: async () => {
      while (writer.pendingLines > 0) await turn();
    },
    more: () => log(MORE_LINES),
    end: async () => (unwritten = await writer.end(200)),
  };
  const sum = (pick: (state: (typeof workers)[number]) => number): number =>
    workers.reduce((total, state) => total + pick(state), 0);
  const carryOut = async (order: string): Promise<void> => {
    await obey[order]?.();
    const report: ChildReport = {
      order,
      produced: sum((state) => state.produced),
      dropped: sum((state) => state.dropped) + droppedByWriter,
      pendingBytes: sum((state) => state.budget.pendingBytes),
      unwritten,
    };
    process.send?.(report, () => order === 'end' && process.exit(0));
  };
  process.on('message', (order: string) => void carryOut(order));
}

if (isMainThread && process.send !== undefined) runMain();
else if (!isMainThread) runWorker();
