import type { Capability } from './capabilities.ts';
import { findProgram } from './findProgram.ts';
import type { ProcessUser } from './processUser.ts';

/** A program and what it is called with. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

/** What decides how a launch is done. */
export interface LaunchOptions {
  readonly user: ProcessUser;
  readonly isRoot: boolean;
  /** What it is to be able to do under root. */
  readonly capabilities: readonly Capability[];
  /** Where `setpriv` is looked for. */
  readonly folders: readonly string[];
}

/**
 * Makes a launch one with these capabilities only. Root goes through setpriv(1), which changes user and
 * capabilities and then becomes the program: the process id stays, and so does whatever is inherited. The bounding set keeps
 * everything that is started later within them, `ambient` hands them on to `nft`. Others have no more than they were given.
 */
export function restrictLaunch(launch: Launch, { user, isRoot, capabilities, folders }: LaunchOptions): Launch {
  if (!isRoot) return launch;
  const setpriv = findProgram('setpriv', folders);
  if (setpriv === null) throw new Error(`there is no program setpriv in ${folders.join(':')}; install util-linux`);
  const set = ['-all', ...capabilities.map((name) => `+${name.toLowerCase()}`)].join(',');
  const identity = user.type === 'same' ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`];
  const args = [
    ...identity, '--clear-groups', '--no-new-privs',
    `--inh-caps=${set}`, `--ambient-caps=${set}`, `--bounding-set=${set}`,
    '--', launch.command, ...launch.args,
  ];
  return { command: setpriv, args };
}
