import { printIpAddress } from '../../../../core/net/ipAddress.ts';
import type { L2Answer } from '../../parts.ts';
import { addressOctets } from '../../../../core/net/addressOctets.ts';
import { decodeArp } from '../arp.ts';
import { createL2Machine, type L2Action, type L2Machine } from '../l2Machine.ts';
import { parseMac, printMac } from '../macAddress.ts';
import { decodeNdp } from '../ndp.ts';

/** For tests: a network with this node, other stations, and VIPs. */
export const ETH0 = { index: 2, name: 'eth0', mac: '02:00:00:00:00:01' };
export const ETH1 = { index: 3, name: 'eth1', mac: '02:00:00:00:01:01' };
export const OWN_MAC: Uint8Array = parseMac(ETH0.mac);
export const CLIENT_MAC: Uint8Array = parseMac('02:00:00:00:00:99');
export const OTHER_MAC: Uint8Array = parseMac('02:00:00:00:00:66');
export const VIP4 = '192.0.2.10';
export const VIP6 = '2001:db8::10';
export const CLIENT4: Uint8Array = addressOctets('192.0.2.99');
export const CLIENT6: Uint8Array = addressOctets('2001:db8::99');
export const VIP4_OCTETS: Uint8Array = addressOctets(VIP4);
export const VIP6_OCTETS: Uint8Array = addressOctets(VIP6);

/** For tests: what this node answers for, by default as owner on eth0. */
export function answerFor(address: string, changes: Partial<L2Answer> = {}): L2Answer {
  return { address, interfaces: [ETH0], mode: { type: 'owner' }, leaving: false, ...changes };
}

/** For tests: the machine of a node that has announced these VIPs and is at `nowMs` 100,000. */
export function settledMachine(answers: readonly L2Answer[] = [answerFor(VIP4), answerFor(VIP6)]): L2Machine {
  const machine = createL2Machine({ gratuitousIntervalMs: 0 });
  machine.setAnswers(answers, 0);
  runUntil(machine, 100_000);
  return machine;
}

/** For tests: an action, and when it came. */
export interface TimedAction {
  readonly atMs: number;
  readonly action: L2Action;
}

/** For tests: ticks whenever one is due, up to and including `endMs`. */
export function runUntil(machine: L2Machine, endMs: number): TimedAction[] {
  const seen: TimedAction[] = [];
  for (let atMs = machine.nextTickMs(); atMs !== null && atMs <= endMs; atMs = machine.nextTickMs()) {
    for (const action of machine.tick(atMs)) seen.push({ atMs, action });
  }
  return seen;
}

/** For tests: actions in words. */
export function wordsOf(actions: readonly L2Action[]): string[] {
  return actions.map((action) => {
    switch (action.type) {
      case 'send':
        return `${action.interfaceIndex}: ${describeFrame(action.frame)}`;
      case 'conflict':
        return `conflict ${action.address} ${action.interface} ${action.mac}${action.defended ? ' defended' : ''}`;
      case 'takenOver':
        return `takenOver ${action.address}`;
    }
  });
}

/** For tests: a frame in words, by the decoders. */
export function describeFrame(frame: Uint8Array): string {
  const arp = decodeArp(frame);
  if (arp.type === 'arp') {
    const to = `to ${printIp(arp.targetIp)} at ${printMac(arp.targetMac)}`;
    return `${arp.opcode} ${printIp(arp.senderIp)} at ${printMac(arp.senderMac)} ${to}, ${pathOf(frame)}`;
  }
  const ndp = decodeNdp(frame);
  if (ndp.type === 'ignored') return `ignored ${arp.reason} ${ndp.reason}`;
  const path = `${printIp(ndp.sourceIp)} > ${printIp(ndp.destinationIp)}, ${pathOf(frame)}`;
  if (ndp.type === 'solicitation') return `NS ${printIp(ndp.target)} ${macOr(ndp.sourceLinkLayer)} ${path}`;
  const flags = `${ndp.router ? 'R' : ''}${ndp.solicited ? 'S' : ''}${ndp.override ? 'O' : ''}`;
  return `NA ${flags} ${printIp(ndp.target)} at ${macOr(ndp.targetLinkLayer)} ${path}`;
}

function macOr(mac: Uint8Array | null): string {
  return mac === null ? '-' : printMac(mac);
}

function pathOf(frame: Uint8Array): string {
  return `${printMac(frame.subarray(6))} > ${printMac(frame)}`;
}

function printIp(octets: Uint8Array): string {
  return printIpAddress({ family: octets.length === 4 ? 'IPv4' : 'IPv6', value: BigInt(`0x${Buffer.from(octets).toString('hex')}`) });
}
