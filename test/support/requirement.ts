import { spawnSync } from 'node:child_process';

/**
 * Why tests that need `program` cannot run here: false when it is installed, else the reason to skip by. With
 * GATEHOUSE_REQUIRE_ALL (as in .ci/run) nothing may be skipped, so a missing program is an error.
 */
export function lacks(program: string): string | false {
  if (spawnSync('sh', ['-c', `command -v "${program}"`]).status === 0) return false;
  return missing(`${program} is not installed`);
}

/** The same for root privileges. */
export function lacksRoot(): string | false {
  return process.getuid?.() === 0 ? false : missing('this test needs root');
}

/** Why a test cannot run here, for what the other two do not cover: `reason` when `isMissing`, else false. */
export function lacksWhen(isMissing: boolean, reason: string): string | false {
  return isMissing ? missing(reason) : false;
}

function missing(reason: string): string {
  if (process.env['GATEHOUSE_REQUIRE_ALL'] === '1') throw new Error(`${reason}, and nothing may be skipped here`);
  return reason;
}
