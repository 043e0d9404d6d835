import { join } from 'node:path';
import { readPinned, type Load } from './load.ts';

/** UDP there and back: 32 clients, each with 8 datagrams of 64 octets under way. */
export const datagrams: Load = {
  unit: 'echoes/s',
  describe: '32 clients, 8 datagrams of 64 octets under way each',
  missing: () => null,
  async run({ address, port, seconds, ...place }) {
    const client = join(import.meta.dirname, '../reference/udpClients.ts');
    const output = await readPinned(place, [process.execPath, client, address, String(port), String(seconds)]);
    const { echoes, lost } = JSON.parse(output) as { echoes: number; lost: number };
    return { rate: echoes / seconds, p99Ms: null, errors: lost };
  },
};
