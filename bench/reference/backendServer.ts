import { createServer } from 'node:net';

// Answers each read that ends a head with 12 octets: no HTTP stack, so that the backend is never what is measured.
const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n');

createServer((socket) => {
  socket.on('data', (chunk) => {
    if (chunk.includes('\r\n\r\n')) socket.write(ANSWER);
  });
  socket.on('error', () => socket.destroy());
}).listen(Number(process.argv[2]), process.argv[3]);
process.on('SIGTERM', () => process.exit(0));
