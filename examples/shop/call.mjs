// Calls a gRPC method that echoes its message, and prints the answer and its status. Plain Node.js, any version since 20:
//   node call.mjs ADDRESS:PORT HOST AUTHORITY.pem MESSAGE
// ADDRESS:PORT is connected to, HOST is asked for: no name has to resolve.
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { connect as connectTls } from 'node:tls';

const [address, host, authorityFile, message] = process.argv.slice(2);
const [, name, port] = /^(.*):([0-9]+)$/.exec(address ?? '') ?? [];
if (message === undefined || port === undefined) {
  process.stderr.write('usage: node call.mjs ADDRESS:PORT HOST AUTHORITY.pem MESSAGE\n');
  process.exit(2);
}

const ca = readFileSync(authorityFile);
const session = connect(`https://${host}:${port}`, {
  createConnection: () => connectTls({ host: name, port: Number(port), servername: host, ca, ALPNProtocols: ['h2'] }),
});
session.on('error', (error) => fail(error.message));

const call = session.request({ ':method': 'POST', ':path': '/shop.Quotes/Echo', 'content-type': 'application/grpc', te: 'trailers' });
const pieces = [];
let status = 'none';
call.on('data', (piece) => pieces.push(piece));
call.on('response', (headers) => { status = headers['grpc-status'] ?? status; });
call.on('trailers', (trailers) => { status = trailers['grpc-status'] ?? status; });
call.on('error', (error) => fail(error.message));
call.on('close', () => {
  session.close();
  const answer = Buffer.concat(pieces);
  process.stdout.write(`${answer.subarray(5).toString()}\ngrpc-status: ${status}\n`);
});
call.end(framed(Buffer.from(message)));

/** A gRPC message: not compressed, its length, its octets. */
function framed(payload) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

function fail(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
