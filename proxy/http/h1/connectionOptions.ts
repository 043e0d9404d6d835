import { endOfMember, trimSpace } from './listMembers.ts';

/** What Connection says about this hop (RFC 9110 section 7.6.1, RFC 9112 section 9). */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
}

const NONE: ConnectionOptions = Object.freeze({ close: false, keepAlive: false, upgrade: false });
const CLOSE: ConnectionOptions = Object.freeze({ close: true, keepAlive: false, upgrade: false });
const KEEP_ALIVE: ConnectionOptions = Object.freeze({ close: false, keepAlive: true, upgrade: false });
const UPGRADE: ConnectionOptions = Object.freeze({ close: false, keepAlive: false, upgrade: true });
const LONGEST_OPTION = 'keep-alive'.length;

/**
 * Reads the joined Connection lines of a head; null when it has none. Names of fields among the options are not
 * looked at.
 */
export function connectionOptions(value: string | null): ConnectionOptions {
  if (value === null) return NONE;
  if (value === 'keep-alive' || value === 'Keep-Alive') return KEEP_ALIVE;
  if (value === 'close') return CLOSE;
  if (value === 'Upgrade' || value === 'upgrade') return UPGRADE;
  return readOptions(value);
}

function readOptions(value: string): ConnectionOptions {
  const options = { close: false, keepAlive: false, upgrade: false };
  for (let start = 0; start <= value.length; ) {
    const end = endOfMember(value, start);
    const option = trimSpace(value, start, end);
    if (option.length <= LONGEST_OPTION) noteOption(options, option.toLowerCase());
    start = end + 1;
  }
  return options;
}

function noteOption(options: { close: boolean; keepAlive: boolean; upgrade: boolean }, option: string): void {
  if (option === 'close') options.close = true;
  else if (option === 'keep-alive') options.keepAlive = true;
  else if (option === 'upgrade') options.upgrade = true;
}
