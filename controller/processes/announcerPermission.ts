import { readFileSync } from 'node:fs';
import { missingCapabilities, type Capability } from './capabilities.ts';
import { findProgram, programFolders } from './findProgram.ts';

/** What an announcer must be able to do: raw sockets, and changing this network namespace. */
export const ANNOUNCER_CAPABILITIES = ['NET_ADMIN', 'NET_RAW'] as const satisfies readonly Capability[];

/**
 * What an announcer is given when the controller has it. NET_BIND_SERVICE: BGP can listen on port 179; without it, it connects to its peers
 * only. SYS_NICE: the thread of BFD wakes up in time however busy the node is.
 */
const OPTIONAL_CAPABILITIES = ['NET_BIND_SERVICE', 'SYS_NICE'] as const satisfies readonly Capability[];

/** What root needs beside them, to start a process that has only those and is somebody else. */
const ROOT_CAPABILITIES = ['SETUID', 'SETGID', 'SETPCAP'] as const satisfies readonly Capability[];

/** Whether this process can start an announcer; `reason`: a sentence that says what is missing and what to do. */
export type AnnouncerPermission = { readonly permitted: true } | { readonly permitted: false; readonly reason: string };

/** What the answer depends on. */
export interface PermissionFacts {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** Of /proc/self/status. */
  readonly status: string;
  /** Absolute folders that programs are looked for in. */
  readonly folders: readonly string[];
}

/** Looks whether this process can start an announcer. */
export function announcerPermitted(): AnnouncerPermission {
  if (process.platform !== 'linux') return judgePermission({ platform: process.platform, isRoot: false, status: '', folders: [] });
  return judgePermission({
    platform: 'linux',
    isRoot: process.geteuid?.() === 0,
    status: readFileSync('/proc/self/status', 'utf8'),
    folders: programFolders(process.env['PATH']),
  });
}

/** What an announcer is started with by root, by the text of the controller's `/proc/self/status`. */
export function announcerCapabilities(status: string): readonly Capability[] {
  const missing = missingCapabilities(status, 'effective', OPTIONAL_CAPABILITIES);
  return [...ANNOUNCER_CAPABILITIES, ...OPTIONAL_CAPABILITIES.filter((name) => !missing.includes(name))];
}

/** The same of given facts. */
export function judgePermission({ platform, isRoot, status, folders }: PermissionFacts): AnnouncerPermission {
  if (platform !== 'linux') return refuse(`VIPs are announced on Linux only; this is ${platform}`);
  // Without root, capabilities that are not ambient would be lost by whatever program comes next: by `nft` at the latest.
  const missing = isRoot
    ? missingCapabilities(status, 'effective', [...ANNOUNCER_CAPABILITIES, ...ROOT_CAPABILITIES])
    : missingCapabilities(status, 'ambient', ANNOUNCER_CAPABILITIES);
  if (missing.length > 0) return refuse(isRoot ? sayToRoot(missing) : sayToOthers(missing));
  if (findProgram('nft', folders) === null) return refuse(`there is no program nft in ${folders.join(':')}; install nftables`);
  if (isRoot && findProgram('setpriv', folders) === null) {
    return refuse(`there is no program setpriv in ${folders.join(':')}; install util-linux`);
  }
  return { permitted: true };
}

function sayToRoot(missing: readonly Capability[]): string {
  return `this container has not the capabilities ${missing.join(', ')}; add them to securityContext.capabilities.add`;
}

function sayToOthers(missing: readonly Capability[]): string {
  return `this user has not the ambient capabilities ${missing.join(', ')}; run as root, or start with `
    + 'setpriv --inh-caps +net_admin,+net_raw --ambient-caps +net_admin,+net_raw, or with AmbientCapabilities= of systemd';
}

function refuse(reason: string): AnnouncerPermission {
  return { permitted: false, reason };
}
