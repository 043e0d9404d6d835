import { libc, type DescriptorLimit } from './libc.ts';
import { SystemError } from './systemError.ts';

/** Ours: the kernel's default ceiling (fs.nr_open), room for 10,000 listeners of many workers and as many connections again. */
const WANTED_DESCRIPTORS = 1024 * 1024;

/**
 * Lets this process, and children it starts afterwards, hold as many descriptors as it may: 1,048,576 where it has
 * CAP_SYS_RESOURCE, else its hard limit. Answers the limit that holds now; never throws for lack of rights.
 */
export function raiseDescriptorLimit(): number {
  const { soft, hard } = libc().readDescriptorLimit();
  const wanted = [Math.max(hard, WANTED_DESCRIPTORS), hard].filter((limit) => limit > soft);
  return wanted.find((limit) => isAllowed({ soft: limit, hard: limit })) ?? soft;
}

function isAllowed(limit: DescriptorLimit): boolean {
  try {
    libc().writeDescriptorLimit(limit);
    return true;
  } catch (error) {
    // Without the right to go beyond the hard limit, or beyond fs.nr_open, the lower one is tried.
    if (error instanceof SystemError && error.errnoName === 'EPERM') return false;
    throw error;
  }
}
