import { createInterface } from 'node:readline';
import { silentLogger } from '../../../core/log/logger.ts';
import { systemClock } from '../../../core/time/clock.ts';
import { createLeaseElection } from '../leaseElection.ts';
import { leaseApi, SHORT_TIMINGS } from './leaseApi.ts';

/**
 * For tests: a process with an election in it, on the server of the first argument. Says `leader` and `follower` when that changes;
 * on `busy` it is so for the milliseconds given, hearing of nothing, and then says first what it believes.
 */
const election = createLeaseElection({
  api: leaseApi(new URL(process.argv[2] ?? '')),
  namespace: 'gatehouse',
  name: 'gatehouse',
  identity: 'child_1',
  clock: systemClock,
  wallClock: { now: Date.now },
  random: Math.random,
  logger: silentLogger,
  timings: SHORT_TIMINGS,
});

let said = '';

function say(): void {
  const role = election.isLeader() ? 'leader' : 'follower';
  if (role === said) return;
  said = role;
  process.stdout.write(`${role}\n`);
}

election.onChange(say);
await election.start();
createInterface({ input: process.stdin }).on('line', (line) => {
  const untilMs = performance.now() + Number(line.slice('busy '.length));
  while (performance.now() < untilMs);
  process.stdout.write(`after: ${election.isLeader() ? 'leader' : 'follower'}\n`);
});
