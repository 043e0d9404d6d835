import { createHash } from 'node:crypto';
import { isAbsolute, join } from 'node:path';

/** What decides where assignments are kept between two runs. */
export interface StatePlace {
  /** `--state-dir`; null when not given. */
  readonly flag: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute paths of `--manifests`, in any order. */
  readonly manifests: readonly string[];
  /** The user's home; null when there is none. */
  readonly home: string | null;
}

const HASH_CHARS = 12;

/** For services of the machine without a home (FHS 3.0, section 5.8). */
const MACHINE_FOLDER = '/var/lib/gatehouse';

/** The state file: one for each set of manifests, so that two Gatehouses of one user do not share it. */
export function statePath(place: StatePlace): string {
  const paths = [...new Set(place.manifests)].toSorted().join('\n');
  const hash = createHash('sha256').update(paths).digest('hex').slice(0, HASH_CHARS);
  return join(stateFolder(place), `assignments-${hash}.json`);
}

function stateFolder({ flag, env, home }: StatePlace): string {
  if (flag !== null) return flag;
  // systemd.exec(5), StateDirectory=: several are separated by colons.
  const [ofService = ''] = (env['STATE_DIRECTORY'] ?? '').split(':', 1);
  if (ofService !== '') return ofService;
  // XDG Base Directory Specification: a relative path is invalid and to be ignored.
  const ofUser = env['XDG_STATE_HOME'] ?? '';
  if (isAbsolute(ofUser)) return join(ofUser, 'gatehouse');
  return home === null || home === '' ? MACHINE_FOLDER : join(home, '.local', 'state', 'gatehouse');
}
