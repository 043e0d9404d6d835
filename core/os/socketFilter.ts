import { BPF_INSTRUCTION_BYTES } from './bpfProgram.ts';
import { libc } from './libc.ts';

// Linux: asm-generic/socket.h.
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
/** struct sock_fprog: the number of instructions, and after padding a pointer to them. */
const SOCK_FPROG_BYTES = 16;

/** Has the kernel ask a program of `assembleBpf` about each packet for a socket; it copies it, and replaces an earlier one between two packets. Throws SystemError. */
export function attachSocketFilter(descriptor: number, filter: Buffer): void {
  const program = Buffer.alloc(SOCK_FPROG_BYTES);
  program.writeUInt16LE(filter.length / BPF_INSTRUCTION_BYTES, 0);
  program.writeBigUInt64LE(libc().addressOf(filter), 8);
  libc().setOption(descriptor, { level: SOL_SOCKET, name: SO_ATTACH_FILTER, value: program });
}
