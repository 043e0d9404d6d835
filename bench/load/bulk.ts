import { isInstalled } from '../child.ts';
import { readPinned, type Load } from './load.ts';

const STREAMS = 4;

/** TCP as fast as it goes on four connections, by iperf3. */
export const tcpBulk: Load = {
  unit: 'Gbit/s',
  describe: `iperf3, ${STREAMS} connections`,
  missing: () => (isInstalled('iperf3') ? null : 'iperf3 is not installed'),
  async run({ address, port, seconds, ...place }) {
    const output = await readPinned(place, ['iperf3', '-J', '-c', address, '-p', String(port), '-P', String(STREAMS), '-t', String(seconds)]);
    const result = JSON.parse(output) as { end?: { sum_received?: { bits_per_second: number } } };
    const bits = result.end?.sum_received?.bits_per_second;
    return { rate: (bits ?? 0) / 1e9, p99Ms: null, errors: bits === undefined ? 1 : 0 };
  },
};
