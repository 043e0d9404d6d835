import { parentPort, workerData } from 'node:worker_threads';
import { createLogger } from '../../core/log/logger.ts';
import { systemClock } from '../../core/time/clock.ts';
import { TurnClock } from '../../core/time/turnClock.ts';
import type { Explanation, ExplainRequest } from '../../core/ipc/views.ts';
import { LogBudget } from '../observe/logBudget.ts';
import { unexplained } from './unexplained.ts';
import { WorkerSockets } from './workerSockets.ts';
import type { CreateWorkerEngine, WorkerEngine } from './workerEngine.ts';
import type { FromWorker, ToWorker, WorkerStart } from './workerMessages.ts';

/** The body of a worker thread: carries messages between the main thread and the engine it makes. */
export function runWorker(createEngine: CreateWorkerEngine): void {
  const port = parentPort;
  if (port === null) throw new Error('a worker runs in a worker thread, never by itself');
  const start: WorkerStart = workerData;
  const send = (message: FromWorker): void => port.postMessage(message);
  const logger = createLogger({ level: start.logLevel, format: start.logFormat, name: `proxy/${start.worker}` });
  const engine = createEngine({
    worker: start.worker,
    accessLogFormat: start.accessLogFormat,
    logger,
    clock: new TurnClock(systemClock),
    logBudget: new LogBudget(start.logBudget),
    ticketSecret: Buffer.from(start.ticketSecret, 'base64'),
    sendLog: (batch) => port.postMessage({ type: 'log', batch } satisfies FromWorker, [batch.bytes.buffer]),
  });
  const receive = createReceiver({ engine, sockets: new WorkerSockets({ engine, logger, send }), send });
  port.on('message', (message: ToWorker) => receive(message));
}

interface WorkerParts {
  readonly engine: WorkerEngine;
  readonly sockets: WorkerSockets;
  readonly send: (message: FromWorker) => void;
}

/** What a worker does for each message. What the engine throws is not caught: it ends this worker, and only this one. */
function createReceiver({ engine, sockets, send }: WorkerParts): (message: ToWorker) => void {
  return (message) => {
    switch (message.type) {
      case 'apply':
        engine.apply(message.delta);
        return send({ type: 'applied', generation: message.delta.generation });
      case 'listen':
        for (const socket of message.sockets) sockets.listen(socket);
        return;
      case 'unlisten':
        for (const descriptor of message.descriptors) sockets.unlisten(descriptor);
        return send({ type: 'unlistened', id: message.id });
      case 'explain':
        return send({ type: 'explained', id: message.id, explanation: explain(engine, message.request) });
      case 'collect':
        return send({ type: 'collected', id: message.id, report: engine.collect(message.endpoints) });
      case 'drain':
        sockets.stop();
        return void engine.drain(message.timeoutMs).then(({ cutConnections }) => {
          send({ type: 'drained', cutConnections, report: engine.collect(true) });
        });
      case 'ping':
        return send({ type: 'pong' });
    }
  };
}

/** An explanation serves nobody's traffic, so a fault in making one is told to who asked and costs no connection. */
function explain(engine: WorkerEngine, request: ExplainRequest): Explanation {
  try {
    return engine.explain(request);
  } catch (error) {
    return unexplained(error instanceof Error ? error.message : String(error));
  }
}
