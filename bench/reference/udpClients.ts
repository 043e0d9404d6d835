import { createSocket, type Socket } from 'node:dgram';

// 32 clients keep 8 datagrams under way each for some seconds; prints how many came back. A datagram that is lost is
// replaced when nothing has come back for a while.
const [, , address, port, seconds] = process.argv;
const CLIENTS = 32;
const UNDER_WAY = 8;
const STALL_MS = 100;
const payload = Buffer.alloc(64, 'x');
let echoes = 0;
let lost = 0;

function startClient(): Socket {
  const socket = createSocket('udp4');
  let lastMs = performance.now();
  const send = (): void => socket.send(payload, () => {});
  socket.on('error', () => {});
  socket.on('message', () => {
    echoes += 1;
    lastMs = performance.now();
    send();
  });
  socket.connect(Number(port), address, () => {
    for (let count = 0; count < UNDER_WAY; count += 1) send();
  });
  const timer = setInterval(() => {
    if (performance.now() - lastMs < STALL_MS) return;
    lost += UNDER_WAY;
    for (let count = 0; count < UNDER_WAY; count += 1) send();
  }, STALL_MS);
  socket.on('close', () => clearInterval(timer));
  return socket;
}

const clients = Array.from({ length: CLIENTS }, startClient);
setTimeout(() => {
  for (const client of clients) client.close();
  process.stdout.write(JSON.stringify({ echoes, lost }));
}, Number(seconds) * 1000);
