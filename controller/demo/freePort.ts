import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ListenAddress } from '../runtime/listenAddress.ts';

/** How many ports are tried before giving up. */
const ATTEMPTS = 50;
/** The port that a Service of examples/shop has on the first address of the pool. */
const POOL_PORT = 7000;

/**
 * The first port from `from.port` on that nobody listens on and that is not in `taken`. It is only looked at, not
 * held: somebody else may still be quicker. Throws when none of the next 50 is free.
 */
export async function nextFreePort(from: ListenAddress, taken: readonly number[]): Promise<ListenAddress> {
  for (let port = from.port; port < Math.min(from.port + ATTEMPTS, 65_536); port += 1) {
    if (!taken.includes(port) && (await isFree({ address: from.address, port }))) return { address: from.address, port };
  }
  throw new Error(`none of the ports ${from.port} to ${from.port + ATTEMPTS - 1} of ${from.address} is free`);
}

/**
 * The first N for which the pool 127.77.N.0/24 is nobody else's: another demo on this machine may have one. Throws when
 * none of the first 50 is free.
 */
export async function freePoolOctet(): Promise<number> {
  for (let octet = 0; octet < ATTEMPTS; octet += 1) {
    if (await isFree({ address: `127.77.${octet}.1`, port: POOL_PORT })) return octet;
  }
  throw new Error(`something listens on port ${POOL_PORT} of each of 127.77.0.1 to 127.77.${ATTEMPTS - 1}.1`);
}

async function isFree({ address, port }: ListenAddress): Promise<boolean> {
  const server = createServer();
  server.listen({ host: address, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    // Whatever keeps it from being listened on here would keep Gatehouse from it too.
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
