/** The capabilities that count here, by their number in Linux (include/uapi/linux/capability.h). */
export const CAPABILITIES = { CHOWN: 0, SETGID: 6, SETUID: 7, SETPCAP: 8, NET_BIND_SERVICE: 10, NET_ADMIN: 12, NET_RAW: 13, SYS_NICE: 23 } as const;

/** The name of a capability, as Kubernetes writes it. */
export type Capability = keyof typeof CAPABILITIES;

/** `effective`: what a process may do now; `ambient`: what programs it starts may do as well, whoever it runs as. */
export type CapabilitySet = 'effective' | 'ambient';

const LINES: Readonly<Record<CapabilitySet, RegExp>> = { effective: /^CapEff:\s*([0-9a-f]+)$/m, ambient: /^CapAmb:\s*([0-9a-f]+)$/m };

/** Those of `wanted` that are not in a set of a process, by the text of its `/proc/PID/status`. */
export function missingCapabilities(status: string, set: CapabilitySet, wanted: readonly Capability[]): readonly Capability[] {
  const bits = BigInt(`0x${LINES[set].exec(status)?.[1] ?? '0'}`);
  return wanted.filter((name) => (bits >> BigInt(CAPABILITIES[name])) % 2n === 0n);
}

/** A set as `/proc/PID/status` prints it: 16 hexadecimal digits. */
export function capabilityMask(names: readonly Capability[]): string {
  return names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITIES[name])), 0n).toString(16).padStart(16, '0');
}
