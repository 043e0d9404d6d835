import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { until } from '../support/until.ts';
import { FIRST_ASKER_HOST, lanAddress, PREFIX_LENGTH } from './labAddresses.ts';
import { endProcess, type Namespace } from './namespace.ts';

/** One question and what came of it; times in milliseconds of the clock of `monotonicMs`. */
export interface Attempt {
  readonly startedMs: number;
  readonly endedMs: number;
  /** `NAME CLIENT` of the endpoint that answered. */
  readonly answer?: string;
  readonly error?: string;
}

export interface ProbeOptions {
  /**
   * `connections`: a new connection each time, to a neighbour that is known. `cold`: the same after forgetting the neighbour, which the
   * kernel then asks for every 20 ms; by many addresses in turn, as no single one may ask that often. `datagrams`: one UDP flow. `kept`: one TCP connection, replaced when it breaks.
   */
  readonly mode: 'connections' | 'cold' | 'datagrams' | 'kept';
  readonly address: string;
  readonly port: number;
  /** Default 10. */
  readonly intervalMs?: number;
}

/** Somebody who asks an echo all the time. */
export interface Probe {
  readonly attempts: readonly Attempt[];
  /** Resolves once `count` questions that began after `sinceMs` have been answered. */
  answered(sinceMs: number, count?: number): Promise<void>;
  /** Longest time without an answer that ended after `sinceMs`, counted from then at the earliest: ms. Attempts still open count until now. */
  outageMs(sinceMs: number): number;
  /** What failed since then, in words. */
  errors(sinceMs: number): readonly string[];
  stop(): Promise<void>;
}

const ASKERS = 20;
const FIXTURE = join(import.meta.dirname, 'fixture/probe.ts');

/** CLOCK_MONOTONIC in milliseconds, the same in every process. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Starts asking; resolves with the first answer. */
export async function startProbe(t: TestContext, where: Namespace, options: ProbeOptions): Promise<Probe> {
  const from = options.mode === 'cold' ? await becomeMany(where, options.address) : [];
  const child = where.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, JSON.stringify({ intervalMs: 10, ...options, from })]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('a probe has no output');
  child.stderr.pipe(process.stderr);
  const attempts: Attempt[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => attempts.push(JSON.parse(line) as Attempt));
  const probe = createProbe(options, attempts, () => endProcess(child, 'SIGKILL'));
  await probe.answered(0);
  return probe;
}

function createProbe({ mode, address, port }: ProbeOptions, attempts: readonly Attempt[], stop: () => Promise<void>): Probe {
  return {
    attempts,
    stop,
    answered: async (sinceMs, count = 1) => {
      const enough = () => attempts.filter((each) => each.answer !== undefined && each.startedMs >= sinceMs).length >= count;
      await until(`${count} answers to a ${mode} probe of ${address} port ${port}`, enough);
    },
    outageMs: (sinceMs) => longestGapMs(attempts, sinceMs),
    errors: (sinceMs) => attempts.flatMap(({ startedMs, error }) => (error !== undefined && startedMs >= sinceMs ? [error] : [])),
  };
}

function longestGapMs(attempts: readonly Attempt[], sinceMs: number): number {
  const ends = attempts.flatMap(({ answer, endedMs }) => (answer !== undefined && endedMs > sinceMs ? [endedMs] : [])).toSorted((one, other) => one - other);
  let [longest, last] = [0, sinceMs];
  for (const end of ends) {
    longest = Math.max(longest, end - last);
    last = end;
  }
  return longest;
}

/** Lets a host ask for neighbours often, and gives it further addresses to do so. */
async function becomeMany(where: Namespace, address: string): Promise<readonly string[]> {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  await where.exec('sysctl', ['-q', '-w', `net.${family}.neigh.eth0.retrans_time_ms=20`, `net.${family}.neigh.eth0.mcast_solicit=100`]);
  const own = Array.from({ length: ASKERS }, (_, index) => lanAddress(FIRST_ASKER_HOST + index)[family]);
  for (const each of own) await where.exec('ip', ['address', 'replace', `${each}/${PREFIX_LENGTH[family]}`, 'dev', 'eth0', ...(family === 'ipv6' ? ['nodad'] : [])]);
  return own;
}
