import { createSocket, type Socket } from 'node:dgram';

// What a UDP relay in Node comes to without anything else: a connected socket per client, no timeout, no bound, no counters.
const [, , port, backendPort] = process.argv;
const clients = new Map<string, Socket>();
const front = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
front.on('message', (datagram, client) => {
  const key = `${client.address} ${client.port}`;
  const known = clients.get(key);
  if (known !== undefined) return known.send(datagram, () => {});
  const back = createSocket('udp4');
  clients.set(key, back);
  back.on('error', () => {});
  back.on('message', (answer) => front.send(answer, client.port, client.address, () => {}));
  back.connect(Number(backendPort), '127.0.0.1', () => back.send(datagram, () => {}));
});
front.bind(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
