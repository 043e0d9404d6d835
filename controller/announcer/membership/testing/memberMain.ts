import { silentLogger } from '../../../../core/log/logger.ts';
import { systemClock } from '../../../../core/time/clock.ts';
import { createMembership } from '../membership.ts';

/** A member in a process of its own, to be stopped and killed: `memberMain.ts NAME PORT KEY NODE=ADDRESS ...`. Prints who is alive. */
const [nodeName = '', port = '', key = '', ...nodes] = process.argv.slice(2);
const addresses = new Map(nodes.map((node) => {
  const [name = '', address = ''] = node.split('=');
  return [name, [address]] as const;
}));
const membership = createMembership({
  nodeName,
  port: Number(port),
  key,
  bindAddresses: addresses.get(nodeName) ?? [],
  logger: silentLogger,
  clock: systemClock,
  onChange: () => process.stdout.write(`${[...membership.alive().keys()].sort().join(' ')}\n`),
});
membership.setNodes(addresses);
membership.setState({ serving: true, unable: [], held: [] });
// Ends with whoever started it.
process.stdin.resume().on('end', () => process.exit(0));
await membership.start();
