import { createLogger } from '../../../core/log/logger.ts';
import { defineCommand, EXIT } from '../command.ts';
import { one } from '../flag.ts';
import { listenAddress } from '../values.ts';

const HTTP = { address: '127.0.0.1', port: 8080 } as const;
const HTTPS = { address: '127.0.0.1', port: 8443 } as const;
const ADMIN = { address: '127.0.0.1', port: 9090 } as const;

const FLAGS = {
  http: one('http', listenAddress, () => HTTP, {
    placeholder: 'ADDR:PORT',
    help: 'Where to listen for HTTP; the next free port when that one is taken.',
    defaultText: '127.0.0.1:8080',
  }),
  https: one('https', listenAddress, () => HTTPS, {
    placeholder: 'ADDR:PORT',
    help: 'Where to listen for HTTPS; likewise.',
    defaultText: '127.0.0.1:8443',
  }),
  admin: one('admin', listenAddress, () => ADMIN, {
    placeholder: 'ADDR:PORT',
    help: 'Where the admin API and the status page listen; likewise.',
    defaultText: '127.0.0.1:9090',
  }),
};

/** `gatehouse demo`, which is what `npm start` runs. */
export function demoCommand(version: string): ReturnType<typeof defineCommand> {
  return defineCommand(
    {
      name: 'demo',
      summary: 'Serve a small shop on this machine and print what to try',
      description:
        'Starts a few embedded backends, serves examples/shop in front of them (several Ingresses, a TLS host, a canary at 20 %, ' +
        'a WebSocket) and prints commands to paste. Needs no root and no cluster; Ctrl-C ends it and leaves nothing behind.',
      positionals: { name: '', least: 0, most: 0, help: '' },
      examples: [
        ['Try it', 'gatehouse demo'],
        ['On other ports', 'gatehouse demo --http 127.0.0.1:8000 --https 127.0.0.1:8001 --admin 127.0.0.1:8002'],
      ],
    },
    FLAGS,
    async (flags, _positionals, context) => {
      const logger = createLogger({ level: 'warn', format: 'text', name: 'controller' });
      try {
        const { runDemo } = await import('../../demo/demo.ts');
        await runDemo({ ...flags, version }, { logger, signals: context.signals, stdout: context.stdout });
        return EXIT.success;
      } catch (error) {
        context.stderr(`gatehouse demo: ${error instanceof Error ? error.message : String(error)}\n`);
        return EXIT.failure;
      } finally {
        await logger.flush();
      }
    },
  );
}
