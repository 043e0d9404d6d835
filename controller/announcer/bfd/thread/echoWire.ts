import { openPacketSocket, type PacketSocket } from '../../../../core/os/packetSocket.ts';
import { SystemError } from '../../../../core/os/systemError.ts';
import type { BfdEndpoint } from '../bfdSpeaker.ts';
import { addressKey } from './bfdWire.ts';
import { assembleEchoFilter, encodeEchoFrame, ETHERTYPE_IPV4, MAX_ECHO_FRAME_BYTES, readEchoLinkFrame, type LinkEnds } from './echoFrame.ts';

/**
 * Packet sockets for echo packets, one per interface, and only while sessions want them: the kernel asks their filter about each IPv4
 * packet that comes in there. To which MAC echo packets go is learnt from the peer's own control packets.
 */
export interface EchoWire {
  /** The peer of a session with echo is heard on this interface. */
  open(interfaceIndex: number): void;
  /** No session wants echo packets any more. */
  close(): void;
  descriptors(): readonly number[];
  /** Hands over payloads that came back on `ready` descriptors. */
  receive(ready: ReadonlySet<number>, take: (payload: Buffer) => void): void;
  /** What cannot be sent is lost, and missed by the session. */
  send(endpoint: BfdEndpoint, interfaceIndex: number, payload: Buffer): void;
}

/** Ours: as for control packets. */
const RECEIVE_BUFFER_BYTES = 256 * 1024;
const FRAMES_PER_TURN = 512;

interface EchoLink {
  readonly socket: PacketSocket;
  /** Address of a peer, as `addressKey` has it → MACs. */
  readonly ends: Map<string, LinkEnds>;
}

/** Ours: many more than a link has routers; a flood of pretended senders must not fill the memory. */
const MAX_PEERS_PER_LINK = 256;

/** No socket is open at first. */
export function createEchoWire(report: (message: { readonly type: 'socket'; readonly subject: string; readonly fault: string | null }) => void): EchoWire {
  const links = new Map<number, EchoLink>();
  /** Interfaces whose failure was reported. */
  const failed = new Set<number>();
  const frame = Buffer.alloc(MAX_ECHO_FRAME_BYTES);

  /** A socket that has failed is opened again when the peer is heard again: without that there is nobody to send to. */
  const attempt = (interfaceIndex: number, work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      links.get(interfaceIndex)?.socket.close();
      links.delete(interfaceIndex);
      tell(interfaceIndex, error.message);
    }
  };

  /** One line says that it fails, another that it no longer does. */
  const tell = (interfaceIndex: number, fault: string | null): void => {
    if (failed.has(interfaceIndex) !== (fault === null)) return;
    if (fault === null) failed.delete(interfaceIndex);
    else failed.add(interfaceIndex);
    report({ type: 'socket', subject: `echo packets on interface ${interfaceIndex}`, fault });
  };

  const drain = ({ socket, ends }: EchoLink, take: (payload: Buffer) => void): void => {
    for (let count = 0; count < FRAMES_PER_TURN; count += 1) {
      const octets = socket.receive(frame);
      if (octets === null) return;
      const read = readEchoLinkFrame(frame.subarray(0, octets));
      if (read?.type === 'echo') take(read.payload);
      if (read?.type === 'control' && (ends.has(read.source) || ends.size < MAX_PEERS_PER_LINK)) ends.set(read.source, read.ends);
    }
  };

  const open = (interfaceIndex: number): void => {
    if (interfaceIndex === 0 || links.has(interfaceIndex)) return;
    attempt(interfaceIndex, () => {
      const socket = openPacketSocket({
        interfaceIndex, interfaceName: `interface ${interfaceIndex}`, etherType: ETHERTYPE_IPV4, filter: assembleEchoFilter(interfaceIndex),
        receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      });
      links.set(interfaceIndex, { socket, ends: new Map() });
      tell(interfaceIndex, null);
    });
  };

  return {
    open,
    close: () => {
      for (const { socket } of links.values()) socket.close();
      links.clear();
      failed.clear();
    },
    descriptors: () => [...links.values()].map(({ socket }) => socket.descriptor),
    receive: (ready, take) => {
      for (const [index, link] of links) if (ready.has(link.socket.descriptor)) attempt(index, () => { drain(link, take); });
    },
    send: ({ localAddress, remoteAddress }, interfaceIndex, payload) => {
      open(interfaceIndex);
      const link = links.get(interfaceIndex);
      const ends = link?.ends.get(addressKey(remoteAddress));
      if (link === undefined || ends === undefined) return;
      attempt(interfaceIndex, () => { link.socket.send(encodeEchoFrame(ends, Buffer.from(addressKey(localAddress), 'hex'), payload)); });
    },
  };
}
