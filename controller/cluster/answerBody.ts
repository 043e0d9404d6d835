import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { KubeError } from './kubeApi.ts';

/** Reads a whole body, unpacked, of at most `maxBytes`; a longer one costs no more than that. Throws KubeError or the stream's error. */
export async function readAnswerBody(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of unpacked(answer) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new KubeError('server', `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/** Parses a body of JSON. Throws KubeError, whose message has nothing of the body. */
export function parseAnswer(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new KubeError('server', 'the answer is no JSON in UTF-8');
  }
}

function unpacked(answer: IncomingMessage): Readable {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return answer;
  if (encoding !== 'gzip') throw new KubeError('server', `the answer has the unknown content-encoding ${encoding.slice(0, 40)}`);
  // Errors of either stream come out of the last one.
  return pipeline(answer, createGunzip(), () => {});
}
