import { createInterface } from 'node:readline';
import { assembleBpf } from '../../core/os/bpfProgram.ts';
import { libc } from '../../core/os/libc.ts';
import { openPacketSocket } from '../../core/os/packetSocket.ts';
import type { AgentCommand, AgentOptions } from './packetStation.ts';

// Runs in a network namespace: a station on an Ethernet that does with frames what it is told, one JSON line each way.

const options = JSON.parse(process.argv[2] ?? '') as AgentOptions;
const everything = assembleBpf([{ type: 'return', octets: 65_535 }]);
const socket = openPacketSocket({
  ...options, filter: options.filter === null ? everything : Buffer.from(options.filter, 'hex'), receiveBufferBytes: 4 * 1024 * 1024,
});
for (const group of options.groups) socket.joinGroup(Buffer.from(group, 'hex'));
const buffer = Buffer.alloc(65_535);

function receive(atLeast: number, timeoutMs: number): readonly { readonly atMs: number; readonly frame: string }[] {
  const frames: { readonly atMs: number; readonly frame: string }[] = [];
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const octets = socket.receive(buffer);
    if (octets !== null) frames.push({ atMs: performance.timeOrigin + performance.now(), frame: buffer.toString('hex', 0, octets) });
    else if (frames.length >= atLeast || performance.now() >= endMs) return frames;
    else libc().waitReadable([socket.descriptor], Math.max(0, Math.ceil(endMs - performance.now())));
  }
}

/** Milliseconds from each request until the first frame that contains its reply; null: none within a second. */
function ask({ frame, reply }: { readonly frame: string; readonly reply: string }): number | null {
  const [question, wanted] = [Buffer.from(frame, 'hex'), Buffer.from(reply, 'hex')];
  const startMs = performance.now();
  socket.send(question);
  while (performance.now() - startMs < 1_000) {
    libc().waitReadable([socket.descriptor], 1_000);
    for (let octets = socket.receive(buffer); octets !== null; octets = socket.receive(buffer)) {
      if (buffer.subarray(0, octets).includes(wanted)) return performance.now() - startMs;
    }
  }
  return null;
}

/** Sends evenly, as well as it can keep up. */
function flood(frame: Buffer, count: number, perSecond: number): { readonly sent: number; readonly tookMs: number } {
  const startMs = performance.now();
  let sent = 0;
  while (sent < count) {
    const due = Math.min(count, Math.ceil((performance.now() - startMs) * perSecond / 1_000));
    for (; sent < due; sent += 1) socket.send(frame);
  }
  return { sent, tookMs: performance.now() - startMs };
}

function carryOut(command: AgentCommand): unknown {
  switch (command.type) {
    case 'send': return command.frames.map((frame) => socket.send(Buffer.from(frame, 'hex')));
    case 'receive': return receive(command.atLeast, command.timeoutMs);
    case 'ask': return command.questions.map((question) => ask(question));
    case 'flood': return flood(Buffer.from(command.frame, 'hex'), command.count, command.perSecond);
    case 'setFilter': return socket.setFilter(Buffer.from(command.filter, 'hex'));
    case 'groups':
      for (const mac of command.join) socket.joinGroup(Buffer.from(mac, 'hex'));
      for (const mac of command.leave) socket.leaveGroup(Buffer.from(mac, 'hex'));
      return null;
  }
}

function answer(text: unknown): void {
  process.stdout.write(`${JSON.stringify(text)}\n`);
}

answer({ value: 'ready' });
createInterface({ input: process.stdin }).on('line', (line) => {
  try {
    answer({ value: carryOut(JSON.parse(line) as AgentCommand) ?? null });
  } catch (error) {
    answer({ error: String(error) });
  }
});
