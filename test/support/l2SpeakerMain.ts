import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import type { LogFields, Logger } from '../../core/log/logger.ts';
import { createL2Speaker } from '../../controller/announcer/l2/thread/l2Speaker.ts';
import type { SpeakerCommand, SpeakerOptions } from './l2Speaker.ts';

// Runs in a network namespace: a process with nothing but an L2 speaker, told what to do, one JSON line each way.

const options = JSON.parse(process.argv[2] ?? '') as SpeakerOptions;

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function log(message: string, fields: LogFields = {}): void {
  say({ event: { type: 'log', message, fields: inspect(fields) } });
}

const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger, flush: () => Promise.resolve() };

const speaker = createL2Speaker({
  events: {
    conflict: (seen) => { say({ event: { type: 'conflict', ...seen } }); },
    takenOver: (address) => { say({ event: { type: 'takenOver', address } }); },
    lapsed: () => { say({ event: { type: 'lapsed' } }); },
  },
  logger,
  gratuitousIntervalMs: options.gratuitousIntervalMs,
});

async function carryOut(command: SpeakerCommand): Promise<unknown> {
  switch (command.type) {
    case 'start': return speaker.start();
    case 'answers': return speaker.setAnswers(command.answers);
    case 'links': return speaker.linksChanged(command.links);
    case 'counts': return [...await speaker.counts()];
    case 'stop': return speaker.stop();
    case 'block': return block(command.ms);
  }
}

function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

say({ value: null });
createInterface({ input: process.stdin }).on('line', (line) => {
  carryOut(JSON.parse(line) as SpeakerCommand).then(
    (value) => { say({ value: value ?? null }); },
    (error: unknown) => { say({ error: String(error) }); },
  );
});
