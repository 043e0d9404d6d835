import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import { createBfdSpeaker } from '../../controller/announcer/bfd/createBfdSpeaker.ts';
import type { LogFields, Logger } from '../../core/log/logger.ts';
import type { BfdCommand } from './bfdSpeakerProcess.ts';

// Runs in a network namespace: a process with nothing but a BFD speaker, told what to do, one JSON line each way.

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function log(message: string, fields: LogFields = {}): void {
  say({ event: { type: 'log', message, fields: inspect(fields) } });
}

const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger, flush: () => Promise.resolve() };
const speaker = createBfdSpeaker({ events: { changed: (news) => { say({ event: { type: 'changed', atMs: Date.now(), news } }); } }, logger });

async function carryOut(command: BfdCommand): Promise<unknown> {
  switch (command.type) {
    case 'start': return speaker.start();
    case 'sessions': return speaker.setSessions(command.sessions);
    case 'reports': return [...(await speaker.reports()).values()];
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
  carryOut(JSON.parse(line) as BfdCommand).then(
    (value) => { say({ value: value ?? null }); },
    (error: unknown) => { say({ error: String(error) }); },
  );
});
