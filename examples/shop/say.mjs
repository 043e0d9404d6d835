// Says something over a WebSocket and prints what comes back. Plain Node.js, any version since 20:
//   node say.mjs ADDRESS:PORT HOST MESSAGE
// ADDRESS:PORT is connected to, HOST is asked for: no name has to resolve.
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

const [address, host, message] = process.argv.slice(2);
if (message === undefined || Buffer.byteLength(message) > 125) {
  process.stderr.write('usage: node say.mjs ADDRESS:PORT HOST MESSAGE   (a message of at most 125 bytes)\n');
  process.exit(2);
}

const [, name, port] = /^(.*):([0-9]+)$/.exec(address) ?? [];
const upgrade = request({
  host: name,
  port,
  headers: {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': 13,
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
  },
});

upgrade.on('upgrade', (_response, socket) => {
  socket.write(textFrame(message));
  let received = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    const length = received.length < 2 ? Infinity : received[1] & 0x7f;
    if (received.length < 2 + length) return;
    process.stdout.write(`${received.subarray(2, 2 + length).toString()}\n`);
    socket.destroy();
  });
});

upgrade.on('response', (response) => fail(`no WebSocket there: status ${response.statusCode}`));
upgrade.on('error', (error) => fail(error.message));
upgrade.end();

/** One masked text frame (RFC 6455 section 5.2). */
function textFrame(text) {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ mask[index % 4]);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, masked]);
}

function fail(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
