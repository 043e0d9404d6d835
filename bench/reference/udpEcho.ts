import { createSocket } from 'node:dgram';

// The UDP backend: every datagram goes back to where it came from.
const socket = createSocket('udp4');
socket.on('message', (datagram, { port, address }) => socket.send(datagram, port, address, () => {}));
socket.on('error', () => {});
socket.bind(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
