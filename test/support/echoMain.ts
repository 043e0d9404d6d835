import { createServer, type AddressInfo } from 'node:net';

// The process of `startTcpEchoProcess`: says its port, then echoes.
const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.write('one:');
  socket.pipe(socket);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
