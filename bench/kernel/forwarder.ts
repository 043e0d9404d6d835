import { createKernelForwarding } from '../../controller/announcer/kernel/kernelForwarding.ts';
import { createNft } from '../../controller/announcer/kernel/nft.ts';
import { createSysctls } from '../../controller/announcer/kernel/sysctls.ts';
import { createConntrackFlush } from '../../controller/announcer/netlink/conntrackFlush.ts';
import { createPolicyRouting } from '../../controller/announcer/netlink/policyRouting.ts';
import type { KernelEndpoint } from '../../controller/announcer/wanted.ts';
import { createLogger } from '../../core/log/logger.ts';
import { manyPorts, tcpPort } from './manyPorts.ts';

/** From the command line as JSON. */
interface Wanted {
  readonly address: string;
  readonly ports: readonly number[];
  readonly endpoints: readonly Pick<KernelEndpoint, 'address'>[];
  /** Ports that are in the table beside it. */
  readonly others: number;
}

// Kernel forwarding as an announcer has it, in the network namespace that it is started in, until its standard input ends. Prints what
// became of it.

const { address, ports, endpoints, others } = JSON.parse(process.argv[2] ?? '') as Wanted;
const log = createLogger({ level: 'warn', format: 'text', name: 'forwarder' });
const forwarding = createKernelForwarding({
  settings: { nodeName: 'node-1', mark: 0x10000, routeTable: 1903, setSysctls: true },
  nft: createNft(),
  sysctls: createSysctls(),
  routing: createPolicyRouting({ log }),
  conntrack: createConntrackFlush(),
  log,
  reported: () => {},
});
const own = ports.map((port) => tcpPort(address, port, endpoints.map((endpoint) => ({ ...endpoint, port, weight: 1 }))));
const report = await forwarding.apply(new Map([...manyPorts(others), ...own.map((port) => [port.key, port] as const)]));
process.stdout.write(`${JSON.stringify(report)}\n`);
process.stdin.on('end', () => process.exit()).resume();
