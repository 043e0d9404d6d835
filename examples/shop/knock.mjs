// Sends a message over TCP or UDP and prints what comes back. Plain Node.js, any version since 20:
//   node knock.mjs tcp|udp ADDRESS:PORT MESSAGE
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [protocol, address, message] = process.argv.slice(2);
const [, host, port] = /^(.*):([0-9]+)$/.exec(address ?? '') ?? [];
if (message === undefined || port === undefined || !['tcp', 'udp'].includes(protocol)) {
  process.stderr.write('usage: node knock.mjs tcp|udp ADDRESS:PORT MESSAGE\n');
  process.exit(2);
}
const timer = setTimeout(() => fail('nobody answered within 5 seconds'), 5000);
if (protocol === 'tcp') overTcp();
else overUdp();

function overTcp() {
  const socket = connect(Number(port), host);
  const pieces = [];
  socket.on('data', (piece) => pieces.push(piece));
  socket.on('end', () => show(Buffer.concat(pieces)));
  socket.on('error', (error) => fail(error.message));
  // Ending only our half: the answer still comes.
  socket.end(message);
}

function overUdp() {
  const socket = createSocket('udp4');
  socket.on('message', (datagram) => {
    show(datagram);
    socket.close();
  });
  socket.on('error', (error) => fail(error.message));
  socket.send(message, Number(port), host);
}

function show(answer) {
  clearTimeout(timer);
  process.stdout.write(`${answer.toString()}\n`);
}

function fail(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
