import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { endProcess, type Namespace } from '../../netns/namespace.ts';
import { sniff } from '../../netns/sniffer.ts';
import { until } from '../../support/until.ts';

/** What a router did when a node fell silent, by its own kernel's clock, in ms. */
export interface DepartureTimes {
  /** From the node's last BFD packet to the router's first one that says Down: RFC 5880 promises the Detection Time. */
  readonly silenceMs: number;
  /** From there until its kernel no longer sent the VIP to the node: the router's own work, which nobody else can shorten. */
  readonly ownMs: number;
}

export interface Departure {
  /** Resolves once both have happened. */
  times(): Promise<DepartureTimes>;
}

/** Looks on in a router's namespace while the node with that address goes; `vip` is an address that it sends there. Ends with the test. */
export async function watchDeparture(t: TestContext, router: Namespace, node: string, vip: string): Promise<Departure> {
  const packets = await sniff(t, router, `udp dst port 3784 and host ${node}`);
  const monitor = router.spawn('ip', ['-ts', '-o', '-4', 'monitor', 'route']);
  t.after(() => endProcess(monitor, 'SIGKILL'));
  if (monitor.stdout === null) throw new Error('ip monitor has no output');
  const changes: string[] = [];
  createInterface({ input: monitor.stdout }).on('line', (line) => changes.push(line));
  const lastHeard = () => packets.lines.findLast((line) => line.includes(` ${node}.`) && !line.includes(`> ${node}.`));
  const down = () => packets.lines.find((line) => line.includes(`> ${node}.3784: `) && line.includes('State Down'));
  const left = () => changes.findLast((line) => line.includes(` ${vip} `) && !line.includes(` via ${node} `));
  await until(`${node} is heard`, () => lastHeard() !== undefined);
  return {
    times: async () => {
      const [downLine, leftLine] = await until(`${node} is left`, () => {
        const [first, last] = [down(), left()];
        return first !== undefined && last !== undefined && [first, last] as const;
      });
      const downMs = sniffedMs(downLine);
      return { silenceMs: downMs - sniffedMs(lastHeard() ?? ''), ownMs: monitoredMs(leftLine) - downMs };
    },
  };
}

/** tcpdump: seconds since the epoch come first. */
function sniffedMs(line: string): number {
  return Number.parseFloat(line) * 1000;
}

/** `[2026-01-02T03:04:05.678901] …`, local time. */
function monitoredMs(line: string): number {
  const [, time = '', fraction = '0'] = /^\[([^.\]]*)\.(\d+)\]/.exec(line) ?? [];
  return Date.parse(time) + Number(`0.${fraction}`) * 1000;
}
