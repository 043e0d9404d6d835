import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { PREFIX_LENGTH } from '../../netns/labAddresses.ts';
import { endProcess } from '../../netns/namespace.ts';
import type { FlapKind } from './hostileFlaps.ts';
import type { RouterHost } from './routerHost.ts';

/** What peers are to do that connect again at once, whenever they can. */
export interface FlapPlan {
  /** IPv4, of the lab's subnet, given to the host: a peer each. */
  readonly addresses: readonly string[];
  readonly remote: string;
  /** How each session ends that is Established, one after the other; the one after the last stays. */
  readonly kinds: readonly FlapKind[];
}

/** What has become of one of them. */
export interface Flapper {
  readonly established: number;
  /** Connections that it has opened. */
  readonly connects: number;
  readonly stays: boolean;
}

export interface FlapperEvent extends Flapper {
  readonly peer: number;
}

const FIXTURE = join(import.meta.dirname, '../fixture/flappingPeers.ts');

/** Starts them on one host. */
export async function startFlappers(t: TestContext, { namespace }: RouterHost, plan: FlapPlan): Promise<readonly (() => Flapper)[]> {
  for (const address of plan.addresses) await namespace.exec('ip', ['address', 'replace', `${address}/${PREFIX_LENGTH.ipv4}`, 'dev', 'eth0']);
  const child = namespace.spawn(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, JSON.stringify(plan)]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('peers that flap have no output');
  child.stderr.pipe(process.stderr);
  const states: Flapper[] = plan.addresses.map(() => ({ established: 0, connects: 0, stays: false }));
  const lines = createInterface({ input: child.stdout });
  const begun = once(lines, 'line');
  lines.on('line', (line) => {
    const { peer, ...state } = JSON.parse(line) as FlapperEvent;
    states[peer] = state;
  });
  await Promise.race([begun, once(child, 'exit').then(([code]) => Promise.reject(new Error(`peers that flap ended with ${String(code)}`)))]);
  return plan.addresses.map((_, peer) => () => states[peer] ?? { established: 0, connects: 0, stays: false });
}
