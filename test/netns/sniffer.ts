import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { endProcess, type Namespace } from './namespace.ts';

/** Frames seen on an interface, as tcpdump prints them: one line each, link-layer header first. */
export interface Sniffer {
  readonly lines: readonly string[];
  /** Ends it; gives all lines. */
  stop(): Promise<readonly string[]>;
}

export interface SniffOptions {
  /** Default `eth0`; at the switch a port, such as `node1`. */
  readonly link?: string;
  /** Only what the interface receives or sends. At a port of the switch, `in` is what the host behind it has sent. */
  readonly direction?: 'in' | 'out' | 'inout';
}

/** Starts tcpdump with a filter (pcap-filter(7)); resolves once it sees everything. */
export async function sniff(t: TestContext, where: Namespace, filter: string, options: SniffOptions = {}): Promise<Sniffer> {
  const { link = 'eth0', direction = 'inout' } = options;
  // With whole packets its buffer would have room for 32 of them, whatever their length, and a burst is longer.
  const child = where.spawn('tcpdump', ['-l', '-n', '-e', '-tt', '--immediate-mode', '-s', '512', '-i', link, '-Q', direction, filter]);
  t.after(() => endProcess(child, 'SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('tcpdump has no output');
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout }).on('line', (line) => {
    if (line !== '') lines.push(line);
  });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    if (line.startsWith('listening on ')) break;
  }
  if (!said.at(-1)?.startsWith('listening on ')) throw new Error(`tcpdump ended: ${said.join('\n')}`);
  const closed = once(output, 'close');
  return {
    lines,
    async stop() {
      await endProcess(child);
      await closed;
      return lines;
    },
  };
}
