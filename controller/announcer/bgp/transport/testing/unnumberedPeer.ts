import { createLogger } from '../../../../../core/log/logger.ts';
import { createInterfaceWatch } from '../../../interfaces/interfaceWatch.ts';
import { createBgpTransport } from '../bgpTransport.ts';
import type { BgpConnection, TransportPeer } from '../transport.ts';

/**
 * A program: one side of an unnumbered connection on `eth0`, `active` or `passive`, with the password of its second argument. It says
 * what happens, a line each, and ends when its standard input does.
 */
const [role, password = ''] = process.argv.slice(2);
const RETRY_MS = 100;
const peer: TransportPeer = {
  name: 'test/peer', remote: { type: 'interface', interface: 'eth0' }, port: 179, sourceAddress: null, vrf: null,
  authentication: password === '' ? null : { type: 'md5', password }, ttl: 255, minimumTtl: 255, connect: role === 'active' ? 'active' : 'passive',
};
const log = createLogger({ level: 'warn', format: 'text', name: 'peer' });
const watch = createInterfaceWatch({ log, onChange: () => {} });
const say = (text: string): void => { process.stdout.write(`${text}\n`); };

const eventsOf = (connection: () => BgpConnection | null, again: () => void) => ({
  connected: ({ localAddress, remoteAddress }: { readonly localAddress: string; readonly remoteAddress: string }): void => {
    say(`connected ${localAddress} ${remoteAddress}`);
    connection()?.send(Buffer.from(`hello from ${role}`));
  },
  octets: (octets: Uint8Array): void => say(`heard ${Buffer.from(octets).toString('latin1')}`),
  closed: (reason: string): void => {
    say(`closed ${reason}`);
    again();
  },
  writable: (): void => {},
});

await watch.start();
const transport = createBgpTransport({
  links: () => watch.links(), logger: log, connectTimeoutMs: 1_000,
  events: {
    accepted: (_name, connection, ends) => {
      const events = eventsOf(() => connection, () => {});
      events.connected(ends);
      return events;
    },
  },
});
for (const problem of transport.accept([peer])) say(`problem ${problem}`);

function connect(): void {
  const connection: BgpConnection = transport.connect(peer, eventsOf(() => connection, () => setTimeout(connect, RETRY_MS)));
}
if (role === 'active') connect();
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
