import assert from 'node:assert/strict';
import { decodeArp, encodeArpReply, encodeArpRequest, type ArpMessage } from '../arp.ts';
import { encodeAdvertisement, encodeSolicitation } from '../encodeNdp.ts';
import { IGNORED_REASONS } from '../ignoredReason.ts';
import type { L2Action, L2Machine } from '../l2Machine.ts';
import { printMac } from '../macAddress.ts';
import { decodeNdp, type NdpMessage } from '../ndp.ts';
import { FRAMES } from './frameCorpus.ts';
import { ETH0, VIP4, VIP6, answerFor, describeFrame, settledMachine } from './lan.ts';
import { mutateFrame } from './mutateFrame.ts';

const CORPUS = [...FRAMES.values()];
/** Time between two frames: the limit of replies must not hide answers. */
const STEP_MS = 60;

/** For tests: a machine that owns a VIP of each family, and the time it has. */
export interface FuzzedMachine {
  readonly machine: L2Machine;
  nowMs: number;
}

/** For tests: a machine for many runs. */
export function fuzzedMachine(): FuzzedMachine {
  return { machine: settledMachine([answerFor(VIP4), answerFor(VIP6)]), nowMs: 100_000 };
}

/**
 * For tests: one mutated frame through both decoders and the machine. Throws, with the frame, when one of them throws, when what was
 * decoded does not come out of the encoder again, or when the machine says what it must not.
 */
export function mutationRun(fuzzed: FuzzedMachine, random: () => number): void {
  const frame = mutateFrame(CORPUS[Math.floor(random() * CORPUS.length)] ?? new Uint8Array(0), random);
  fuzzed.nowMs += STEP_MS;
  try {
    checkFrame(fuzzed, frame);
  } catch (error) {
    throw new Error(`frame ${Buffer.from(frame).toString('hex')}`, { cause: error });
  }
}

function checkFrame({ machine, nowMs }: FuzzedMachine, frame: Uint8Array): void {
  const before = Uint8Array.from(frame);
  const arp = decodeArp(frame);
  const ndp = decodeNdp(frame);
  assert.ok(arp.type === 'ignored' || ndp.type === 'ignored');
  for (const decoded of [arp, ndp]) if (decoded.type === 'ignored') assert.ok(IGNORED_REASONS.includes(decoded.reason));
  if (arp.type === 'arp') checkArp(arp);
  if (ndp.type !== 'ignored') checkNdp(ndp);
  const actions = machine.frame(ETH0.index, frame, nowMs);
  assert.ok(actions.length <= 1);
  if (arp.type === 'ignored' && ndp.type === 'ignored') assert.equal(actions.length, 0);
  for (const action of [...actions, ...machine.tick(nowMs)]) checkAction(action);
  assert.deepEqual(Buffer.compare(frame, before), 0, 'a frame is not changed');
}

function checkArp(message: ArpMessage): void {
  const { opcode, senderMac, senderIp, targetMac, targetIp } = message;
  const sender = { mac: senderMac, ip: senderIp };
  const again = decodeArp(opcode === 'request' ? encodeArpRequest(sender, targetIp) : encodeArpReply(sender, { mac: targetMac, ip: targetIp }));
  assert.ok(again.type === 'arp' && again.opcode === opcode);
  assert.deepEqual([again.senderMac, again.senderIp, again.targetIp], [senderMac, senderIp, targetIp]);
}

function checkNdp(message: NdpMessage): void {
  const to = { mac: message.ethernetDestination, ip: message.destinationIp };
  if (message.type === 'solicitation') {
    const speaker = { mac: message.sourceLinkLayer ?? message.ethernetSource, ip: message.sourceIp };
    const again = decodeNdp(encodeSolicitation(speaker, message.target, { to, linkLayer: message.sourceLinkLayer !== null }));
    assert.ok(again.type === 'solicitation');
    assert.deepEqual([again.sourceIp, again.target, again.sourceLinkLayer], [message.sourceIp, message.target, message.sourceLinkLayer]);
    return;
  }
  const { solicited, override, target } = message;
  const mac = message.targetLinkLayer ?? message.ethernetSource;
  const unspecified = target.every((octet) => octet === 0);
  const again = decodeNdp(encodeAdvertisement({ mac, ip: target }, to, { solicited, override }));
  assert.ok(unspecified || (again.type === 'advertisement' && again.solicited === solicited && again.override === override));
}

function checkAction(action: L2Action): void {
  if (action.type !== 'send') {
    assert.equal(action.type, 'conflict');
    return;
  }
  assert.equal(action.interfaceIndex, ETH0.index);
  assert.equal(printMac(action.frame.subarray(6)), ETH0.mac);
  assert.match(describeFrame(action.frame), /^(?:reply 192\.0\.2\.10 at 02:00:00:00:00:01|request 192\.0\.2\.10 at|NA S?O 2001:db8::10 at)/);
}
