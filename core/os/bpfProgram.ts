/**
 * One step of a classic BPF program over the octets of a frame, with one register. Jumps lead forward, at most 255 steps;
 * left out, `whenTrue` or `whenFalse` means the step that follows. A load beyond the frame's end drops the frame.
 */
export type BpfStep =
  /** Loads 1, 2 or 4 octets, big-endian, from `offset` of the frame. */
  | { readonly type: 'load'; readonly octets: 1 | 2 | 4; readonly offset: number }
  /** Loads what the kernel knows about the frame. */
  | { readonly type: 'loadFact'; readonly fact: BpfFact }
  | { readonly type: 'and'; readonly mask: number }
  | { readonly type: 'jump'; readonly test: BpfTest; readonly value: number; readonly whenTrue?: string; readonly whenFalse?: string }
  | { readonly type: 'label'; readonly name: string }
  /** Takes the first octets of the frame; 0 drops it. */
  | { readonly type: 'return'; readonly octets: number };

/** Compares the register, unsigned, with the value. */
export type BpfTest = 'equal' | 'greater' | 'greaterOrEqual';

/** `packetType`: PACKET_HOST 0, PACKET_BROADCAST 1, PACKET_MULTICAST 2, PACKET_OTHERHOST 3, PACKET_OUTGOING 4. */
export type BpfFact = 'packetType' | 'interfaceIndex';

/** struct sock_filter: code, jump if true, jump if false, operand. */
export const BPF_INSTRUCTION_BYTES = 8;

/** linux/filter.h: BPF_MAXINSNS. */
const MAX_INSTRUCTIONS = 4096;
const MAX_JUMP = 255;

// linux/bpf_common.h
const LOAD_ABSOLUTE: Readonly<Record<1 | 2 | 4, number>> = { 4: 0x20, 2: 0x28, 1: 0x30 };
const AND_CONSTANT = 0x54;
const RETURN_CONSTANT = 0x06;
const JUMP_CODES: Readonly<Record<BpfTest, number>> = { equal: 0x15, greater: 0x25, greaterOrEqual: 0x35 };

/** linux/filter.h: SKF_AD_OFF, below which loads read facts in place of octets. */
const FACT_BASE = 0xffff_f000;
const FACT_OFFSETS: Readonly<Record<BpfFact, number>> = { packetType: 4, interfaceIndex: 8 };

/** Encodes a program as an array of struct sock_filter. Throws RangeError when it is too long, a jump too far, or a label missing. */
export function assembleBpf(steps: readonly BpfStep[]): Buffer {
  const labels = placeLabels(steps);
  const bytes = Buffer.alloc(labels.count * BPF_INSTRUCTION_BYTES);
  let position = 0;
  for (const step of steps) {
    if (step.type === 'label') continue;
    const { code, whenTrue = 0, whenFalse = 0, operand } = encodeStep(step, (name) => labels.distance(name, position));
    const offset = position * BPF_INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, offset);
    bytes.writeUInt8(whenTrue, offset + 2);
    bytes.writeUInt8(whenFalse, offset + 3);
    bytes.writeUInt32LE(operand, offset + 4);
    position += 1;
  }
  return bytes;
}

interface Instruction {
  readonly code: number;
  readonly whenTrue?: number;
  readonly whenFalse?: number;
  readonly operand: number;
}

function encodeStep(step: Exclude<BpfStep, { type: 'label' }>, distance: (label: string | undefined) => number): Instruction {
  switch (step.type) {
    case 'load': return { code: LOAD_ABSOLUTE[step.octets], operand: step.offset };
    case 'loadFact': return { code: LOAD_ABSOLUTE[4], operand: FACT_BASE + FACT_OFFSETS[step.fact] };
    case 'and': return { code: AND_CONSTANT, operand: step.mask };
    case 'return': return { code: RETURN_CONSTANT, operand: step.octets };
    case 'jump': return {
      code: JUMP_CODES[step.test], whenTrue: distance(step.whenTrue), whenFalse: distance(step.whenFalse), operand: step.value,
    };
  }
}

function placeLabels(steps: readonly BpfStep[]): { count: number; distance: (name: string | undefined, from: number) => number } {
  const places = new Map<string, number>();
  let count = 0;
  for (const step of steps) {
    if (step.type !== 'label') count += 1;
    else if (places.has(step.name)) throw new RangeError(`label ${step.name} stands twice`);
    else places.set(step.name, count);
  }
  if (count > MAX_INSTRUCTIONS) throw new RangeError(`a program has at most ${MAX_INSTRUCTIONS} steps (got ${count})`);
  const distance = (name: string | undefined, from: number): number => {
    if (name === undefined) return 0;
    const steps = (places.get(name) ?? -1) - from - 1;
    if (steps < 0 || steps > MAX_JUMP) throw new RangeError(`a jump leads 0 to ${MAX_JUMP} steps forward (got ${steps} to ${name})`);
    return steps;
  };
  return { count, distance };
}
