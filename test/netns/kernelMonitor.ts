import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { endProcess, type Namespace } from './namespace.ts';

/** What the kernel of a namespace says about elements of its nftables, as `nft monitor` prints it. */
export interface KernelMonitor {
  /** Resolves with the time (`performance.now()`) when a line has `text`; to be asked before the change is made. */
  seen(text: string): Promise<number>;
  stop(): Promise<void>;
}

/** True when the kernel of a namespace forwards ports of that IPv4 address. */
export async function hasVip(namespace: Namespace, address: string): Promise<boolean> {
  return (await namespace.run('nft', ['get', 'element', 'inet', 'gatehouse', 'vips4', `{ ${address} }`])).code === 0;
}

/** Listens once it resolves. Not for the table as a whole: of so much at once, the kernel drops what is not read in time. */
export async function startKernelMonitor(namespace: Namespace): Promise<KernelMonitor> {
  // Its output would wait in a buffer otherwise, as it goes to no terminal.
  const child = namespace.spawn('stdbuf', ['-oL', 'nft', '-n', 'monitor']);
  if (child.stdout === null || child.stderr === null) throw new Error('nft monitor has no output');
  child.stderr.pipe(process.stderr);
  const waiting = new Map<string, (atMs: number) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    for (const [text, resolve] of waiting) {
      if (!line.includes(text)) continue;
      waiting.delete(text);
      resolve(performance.now());
    }
  });
  const exited = once(child, 'exit');
  const monitor: KernelMonitor = {
    seen: (text) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      waiting.set(text, resolve);
      exited.then(([code]) => reject(new Error(`nft monitor ended with ${String(code)} before it has told of ${text}`)), reject);
      return promise;
    },
    stop: () => endProcess(child),
  };
  await firstWord(namespace, monitor);
  return monitor;
}

/** It does not say when it has begun to listen: asked until it is heard, with a table that nobody else makes. */
async function firstWord(namespace: Namespace, monitor: KernelMonitor): Promise<void> {
  const heard = monitor.seen('table ip monitored');
  for (let isHeard = false; !isHeard; ) {
    await namespace.exec('nft', ['add', 'table', 'ip', 'monitored']);
    await namespace.exec('nft', ['delete', 'table', 'ip', 'monitored']);
    isHeard = await Promise.race([heard.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 50, false))]);
  }
}
