import { parentPort, workerData } from 'node:worker_threads';
import { createLogger } from '../../core/log/logger.ts';
import { libc } from '../../core/os/libc.ts';
import { systemClock } from '../../core/time/clock.ts';
import { TurnClock } from '../../core/time/turnClock.ts';
import type { Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import { LogBudget } from '../observe/logBudget.ts';
import { unexplained } from './unexplained.ts';
import type { CreateWorkerEngine, WorkerEngine } from './workerEngine.ts';
import type { FromWorker, ToWorker, WorkerSocket, WorkerStart } from './workerMessages.ts';

/** The body of a worker thread: carries messages between the main thread and the engine it makes. */
export function runWorker(createEngine: CreateWorkerEngine): void {
  const port = parentPort;
  if (port === null) throw new Error('a worker runs in a worker thread, never by itself');
  const start: WorkerStart = workerData;
  const logger = createLogger({ level: start.logLevel, format: start.logFormat, name: `proxy/${start.worker}` });
  const engine = createEngine({
    worker: start.worker,
    accessLogFormat: start.accessLogFormat,
    logger,
    clock: new TurnClock(systemClock),
    logBudget: new LogBudget(start.logBudget),
    sendLog: (batch) => port.postMessage({ type: 'log', batch } satisfies FromWorker, [batch.bytes.buffer]),
  });
  const receive = createReceiver(engine, (message) => port.postMessage(message));
  port.on('message', (message: ToWorker) => receive(message));
}

/** What a worker does for each message. What the engine throws is not caught: it ends this worker, and only this one. */
function createReceiver(engine: WorkerEngine, send: (message: FromWorker) => void): (message: ToWorker) => void {
  // The process's descriptor of a socket → this worker's duplicate of it.
  const duplicates = new Map<number, number>();
  return (message) => {
    switch (message.type) {
      case 'apply':
        engine.apply(message.delta);
        return send({ type: 'applied', generation: message.delta.generation });
      case 'listen':
        for (const socket of message.sockets) void listen(engine, socket, { duplicates, send });
        return;
      case 'unlisten':
        for (const { descriptor } of message.sockets) unlisten(engine, descriptor, duplicates);
        return;
      case 'explain':
        return send({ type: 'explained', id: message.id, explanation: explain(engine, message.request) });
      case 'collect':
        return send({ type: 'collected', id: message.id, report: engine.collect() });
      case 'drain':
        return void engine.drain(message.timeoutMs).then(({ cutConnections }) => {
          send({ type: 'drained', cutConnections, report: engine.collect() });
        });
      case 'ping':
        return send({ type: 'pong' });
    }
  };
}

interface ListenContext {
  readonly duplicates: Map<number, number>;
  readonly send: (message: FromWorker) => void;
}

/** A duplicate per worker: closing it, or dying with it, leaves the process's own socket and its backlog alone. */
async function listen(engine: WorkerEngine, socket: WorkerSocket, context: ListenContext): Promise<void> {
  const duplicate = libc().duplicate(socket.descriptor);
  context.duplicates.set(socket.descriptor, duplicate);
  await engine.listen({ ...socket, descriptor: duplicate });
  context.send({ type: 'listening', descriptor: socket.descriptor });
}

function unlisten(engine: WorkerEngine, descriptor: number, duplicates: Map<number, number>): void {
  const duplicate = duplicates.get(descriptor);
  if (duplicate === undefined) return;
  duplicates.delete(descriptor);
  engine.unlisten(duplicate);
}

/** An explanation serves nobody's traffic, so a fault in making one is told to who asked and costs no connection. */
function explain(engine: WorkerEngine, request: ExplainRequest): Explanation {
  try {
    return engine.explain(request);
  } catch (error) {
    return unexplained(error instanceof Error ? error.message : String(error));
  }
}
