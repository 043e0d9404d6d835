import type { NetlinkSocket } from '../../../core/os/netlinkSocket.ts';
import type { Clock } from '../../../core/time/clock.ts';
import { systemClock } from '../../../core/time/clock.ts';
import { decodeRefusal, NetlinkError } from './netlinkError.ts';
import { decodeNetlinkDatagram, encodeNetlinkMessage, NLM, NLMSG_DONE, NLMSG_ERROR, type NetlinkMessage } from './netlinkMessage.ts';

/** A request to the kernel. */
export interface NetlinkRequest {
  /** RTM_GETLINK, ... */
  readonly type: number;
  /** Bits of NLM beside those that every request has. */
  readonly flags?: number;
  /** Fixed header and attributes. */
  readonly parts: readonly Buffer[];
  /** For messages: `list network interfaces`. */
  readonly purpose: string;
}

/** Asks the kernel, one question at a time. It answers while it is asked, so nothing here waits as a rule. */
export interface NetlinkClient {
  /** Carries out one request; answers the messages that came before its end. Throws NetlinkError or SystemError. */
  request(request: NetlinkRequest): readonly NetlinkMessage[];
  /**
   * Lists objects one after the other, read as they are taken, so that any number takes the same memory; each message is valid until
   * the next is taken. Must be taken to its end, or the client closed. Returns whether something changed meanwhile, so that
   * the list may lack things. Throws NetlinkError or SystemError.
   */
  dump(request: NetlinkRequest): Generator<NetlinkMessage, DumpEnd>;
  /** Closes the socket. */
  close(): void;
}

/** How a list came to its end. */
export type DumpEnd = 'whole' | 'interrupted';

/** The kernel answers at once unless another process holds its locks for long. */
const ANSWER_TIMEOUT_MS = 1_000;
/** Nothing but a list has more answers. */
const MAX_ANSWERS = 64;

/** A client over a socket without groups, which becomes the client's. */
export function createNetlinkClient(socket: NetlinkSocket, clock: Clock = systemClock): NetlinkClient {
  let sequence = 0;
  const send = (request: NetlinkRequest, flags: number): number => {
    sequence = (sequence + 1) >>> 0;
    socket.send(encodeNetlinkMessage({ type: request.type, flags: NLM.request | flags | (request.flags ?? 0), sequence }, request.parts));
    return sequence;
  };
  const receive = (purpose: string): readonly NetlinkMessage[] => receiveMessages(socket, clock, purpose);
  return {
    request: (request) => {
      const asked = send(request, NLM.acknowledge);
      const answers: NetlinkMessage[] = [];
      for (;;) {
        for (const message of ownMessages(receive(request.purpose), asked)) {
          if (message.type === NLMSG_ERROR) return finish(message, request.purpose, answers);
          if (answers.length === MAX_ANSWERS) throw new NetlinkError('malformed', request.purpose);
          // The datagram's buffer is used again for the next.
          answers.push({ ...message, payload: Buffer.from(message.payload) });
        }
      }
    },
    dump: function* (request) {
      const asked = send(request, NLM.dump);
      let end: DumpEnd = 'whole';
      for (;;) {
        for (const message of ownMessages(receive(request.purpose), asked)) {
          if ((message.flags & NLM.dumpInterrupted) !== 0) end = 'interrupted';
          if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) return finish(message, request.purpose, end);
          yield message;
        }
      }
    },
    close: () => socket.close(),
  };
}

function receiveMessages(socket: NetlinkSocket, clock: Clock, purpose: string): readonly NetlinkMessage[] {
  const deadline = clock.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    const input = socket.receive();
    if (input === 'overrun') throw new NetlinkError('overrun', purpose);
    if (input !== 'nothing') return wholeMessages(input, purpose);
    const leftMs = Math.ceil(deadline - clock.now());
    if (leftMs <= 0) throw new NetlinkError('timeout', purpose);
    socket.wait(leftMs);
  }
}

function wholeMessages(datagram: Buffer, purpose: string): readonly NetlinkMessage[] {
  const { messages, isCut } = decodeNetlinkDatagram(datagram);
  if (isCut) throw new NetlinkError('malformed', purpose);
  return messages;
}

/** Without what is left of an earlier question that failed half way. */
function ownMessages(messages: readonly NetlinkMessage[], sequence: number): readonly NetlinkMessage[] {
  return messages.filter((message) => message.sequence === sequence);
}

function finish<T>(message: NetlinkMessage, purpose: string, result: T): T {
  const refusal = decodeRefusal(message);
  if (refusal === null) throw new NetlinkError('malformed', purpose);
  if (refusal.errno !== 0) throw new NetlinkError('refused', purpose, refusal);
  return result;
}
