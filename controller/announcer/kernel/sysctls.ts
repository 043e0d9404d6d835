import { readdir, readFile, writeFile } from 'node:fs/promises';

/** Kernel parameters of this network namespace; names as paths, `net/ipv4/ip_forward`. */
export interface Sysctls {
  /** Null: there is none of that name. */
  read(name: string): Promise<string | null>;
  /** Throws where it may not be written. */
  write(name: string, value: string): Promise<void>;
  /** What is under a name; empty: nothing, or no such name. */
  list(name: string): Promise<readonly string[]>;
}

/** The files under /proc/sys. */
export function createSysctls(root = '/proc/sys'): Sysctls {
  return {
    read: (name) => orElse(async () => (await readFile(`${root}/${name}`, 'utf8')).trim(), null),
    write: (name, value) => writeFile(`${root}/${name}`, `${value}\n`),
    list: (name) => orElse(() => readdir(`${root}/${name}`), []),
  };
}

/** A parameter that is not there is an answer: kernels differ, and interfaces go. */
async function orElse<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read();
  } catch {
    return otherwise;
  }
}
