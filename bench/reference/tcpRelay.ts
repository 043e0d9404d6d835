import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';

// What a TCP relay in Node comes to without anything else.
const [, , port, backendPort] = process.argv;
createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const backend = connect({ port: Number(backendPort), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  pipeline(client, backend, client, () => {});
}).listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
