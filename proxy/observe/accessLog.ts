import { createJsonLine } from './jsonLine.ts';
import { createL4JsonLine, createL4TextLine, type PrintL4Line } from './l4Line.ts';
import { LogBuffer } from './logBuffer.ts';
import { createTextLine, type PrintLine } from './textLine.ts';
import type { L4Record } from '../l4/l4Record.ts';
import type { ExchangeRecord } from './exchangeRecord.ts';
import type { LogBudget } from './logBudget.ts';

/** Whole lines in ASCII. The octets have an ArrayBuffer of their own, so that it can be transferred to another thread. */
export interface LogBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: number;
}

export interface AccessLogOptions {
  readonly format: 'text' | 'json';
  /** A batch is sent once it has this many octets; default 128 KiB. */
  readonly batchBytes?: number;
}

export interface AccessLogDependencies {
  readonly budget: LogBudget;
  /** Takes a batch to the writer, which gives its octets back to the budget. */
  readonly send: (batch: LogBatch) => void;
  readonly onDropped: (lines: number) => void;
}

const DEFAULT_BATCH_BYTES = 131_072;

/**
 * The access log of one worker: lines are gathered into batches, because a message or a system call for each would cost
 * more than the request. Never waits: a batch for which there is no budget is dropped and counted.
 */
export class AccessLog {
  readonly #print: PrintLine;
  readonly #printL4: PrintL4Line;
  readonly #batchBytes: number;
  readonly #dependencies: AccessLogDependencies;
  readonly #buffer = new LogBuffer();
  #lines = 0;

  constructor(options: AccessLogOptions, dependencies: AccessLogDependencies) {
    this.#print = options.format === 'json' ? createJsonLine() : createTextLine();
    this.#printL4 = options.format === 'json' ? createL4JsonLine() : createL4TextLine();
    this.#batchBytes = options.batchBytes ?? DEFAULT_BATCH_BYTES;
    this.#dependencies = dependencies;
  }

  add(record: ExchangeRecord): void {
    this.#print(record, this.#buffer);
    this.#added();
  }

  /** A finished TCP connection or UDP session. */
  addL4(record: L4Record): void {
    this.#printL4(record, this.#buffer);
    this.#added();
  }

  /** Sends what has been gathered; called regularly, so that a line is never late for long, and at the end. */
  flush(): void {
    const lines = this.#lines;
    if (lines === 0) return;
    this.#lines = 0;
    if (this.#dependencies.budget.tryTake(this.#buffer.length)) {
      this.#dependencies.send({ bytes: this.#buffer.take(), lines });
      return;
    }
    this.#buffer.clear();
    this.#dependencies.onDropped(lines);
  }

  #added(): void {
    this.#lines += 1;
    if (this.#buffer.length >= this.#batchBytes) this.flush();
  }
}
