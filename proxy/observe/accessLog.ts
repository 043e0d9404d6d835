import { createJsonLine } from './jsonLine.ts';
import { createTextLine, type PrintLine } from './textLine.ts';
import type { ExchangeRecord } from './exchangeRecord.ts';
import type { LogBudget } from './logBudget.ts';

/** Whole lines in ASCII. The octets have an ArrayBuffer of their own, so that it can be transferred to another thread. */
export interface LogBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: number;
}

export interface AccessLogOptions {
  readonly format: 'text' | 'json';
  /** A batch is sent once it has this many octets; default 32 KiB, half of what a pipe holds. */
  readonly batchBytes?: number;
}

export interface AccessLogDependencies {
  readonly budget: LogBudget;
  /** Takes a batch to the writer, which gives its octets back to the budget. */
  readonly send: (batch: LogBatch) => void;
  readonly onDropped: (lines: number) => void;
}

const DEFAULT_BATCH_BYTES = 32_768;

/**
 * The access log of one worker: lines are gathered into batches, because a message or a system call for each would cost
 * more than the request. Never waits: a batch for which there is no budget is dropped and counted.
 */
export class AccessLog {
  readonly #print: PrintLine;
  readonly #batchBytes: number;
  readonly #dependencies: AccessLogDependencies;
  #batch = '';
  #lines = 0;

  constructor(options: AccessLogOptions, dependencies: AccessLogDependencies) {
    this.#print = options.format === 'json' ? createJsonLine() : createTextLine();
    this.#batchBytes = options.batchBytes ?? DEFAULT_BATCH_BYTES;
    this.#dependencies = dependencies;
  }

  add(record: ExchangeRecord): void {
    this.#batch += this.#print(record);
    this.#lines += 1;
    if (this.#batch.length >= this.#batchBytes) this.flush();
  }

  /** Sends what has been gathered; called regularly, so that a line is never late for long, and at the end. */
  flush(): void {
    if (this.#lines === 0) return;
    const [text, lines] = [this.#batch, this.#lines];
    this.#batch = '';
    this.#lines = 0;
    // Lines are ASCII: as many octets as characters.
    if (!this.#dependencies.budget.tryTake(text.length)) {
      this.#dependencies.onDropped(lines);
      return;
    }
    const bytes = Buffer.allocUnsafeSlow(text.length);
    bytes.write(text, 'latin1');
    this.#dependencies.send({ bytes, lines });
  }
}
