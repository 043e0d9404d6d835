import { isInstalled } from '../child.ts';
import { readPinned, type Load } from './load.ts';

const CONNECTIONS = 16;
const STREAMS = 16;

/** GETs of HTTP/2 on 16 connections with 16 streams each, by h2load. */
export const http2Streams: Load = {
  unit: 'req/s',
  describe: `h2load, ${CONNECTIONS} connections, ${STREAMS} streams each`,
  missing: () => (isInstalled('h2load') ? null : 'h2load is not installed (package nghttp2-client)'),
  async run({ address, port, host, tls, seconds, ...place }) {
    const amount = ['-c', String(CONNECTIONS), '-m', String(STREAMS), '-D', String(seconds)];
    const output = await readPinned(place, ['h2load', ...amount, `--connect-to=${address}:${port}`, `${tls ? 'https' : 'http'}://${host}/`]);
    const done = /requests: (\d+) total.* (\d+) succeeded, (\d+) failed, (\d+) errored/.exec(output);
    return {
      rate: Number(/finished in [\d.]+\S+, ([\d.]+) req\/s/.exec(output)?.[1] ?? 0),
      p99Ms: null,
      // What is under way when the time is over counts as neither.
      errors: done === null ? 1 : Number(done[3]),
    };
  },
};
