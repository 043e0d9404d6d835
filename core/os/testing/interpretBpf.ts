import { BPF_INSTRUCTION_BYTES, type BpfFact } from '../bpfProgram.ts';

/**
 * Runs an assembled program as linux/filter.h describes it, independent of how it was assembled. Answers the octets it takes of
 * `frame`, 0: none. Throws on what the kernel would refuse to attach.
 */
export function interpretBpf(program: Buffer, frame: Uint8Array, facts: Readonly<Record<BpfFact, number>>): number {
  const bytes = Buffer.from(frame);
  const factsByOperand = new Map([[0xffff_f004, facts.packetType], [0xffff_f008, facts.interfaceIndex]]);
  let register = 0;
  for (let position = 0; position * BPF_INSTRUCTION_BYTES < program.length; position += 1) {
    const at = position * BPF_INSTRUCTION_BYTES;
    const code = program.readUInt16LE(at);
    const operand = program.readUInt32LE(at + 4);
    const jump = (condition: boolean): void => { position += program.readUInt8(at + (condition ? 2 : 3)); };
    switch (code) {
      case 0x20: case 0x28: case 0x30: {
        const octets = code === 0x20 ? 4 : code === 0x28 ? 2 : 1;
        const fact = octets === 4 ? factsByOperand.get(operand) : undefined;
        if (fact === undefined && operand + octets > bytes.length) return 0;
        register = fact ?? bytes.readUIntBE(operand, octets);
        break;
      }
      case 0x54: register = (register & operand) >>> 0; break;
      case 0x15: jump(register === operand); break;
      case 0x25: jump(register > operand); break;
      case 0x35: jump(register >= operand); break;
      case 0x06: return Math.min(operand, bytes.length);
      default: throw new Error(`no such instruction: ${code.toString(16)}`);
    }
  }
  throw new Error('the program runs off its end');
}
