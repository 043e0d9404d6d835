import { isDeepStrictEqual } from 'node:util';
import type { AnnouncerSettings, ForwardedPort } from '../wanted.ts';
import { checkSysctls } from './checkSysctls.ts';
import type { PolicyRouting } from './kernelParts.ts';
import { sysctlNeeds } from './sysctlNeeds.ts';
import type { Sysctls } from './sysctls.ts';

/** What forwarding needs beside the table: kernel parameters, and the route to the proxy. */
export interface Surroundings {
  /** Answers what is wrong. `again`: looks even where nothing that matters has changed since the last time. */
  look(ports: Iterable<ForwardedPort>, again: boolean): Promise<readonly string[]>;
  /** Takes the route away. Throws where it cannot. */
  remove(): Promise<void>;
}

export interface SurroundingsDependencies {
  readonly settings: Pick<AnnouncerSettings, 'mark' | 'routeTable' | 'setSysctls'>;
  readonly sysctls: Sysctls;
  readonly routing: PolicyRouting;
}

export function createSurroundings({ settings, sysctls, routing }: SurroundingsDependencies): Surroundings {
  let known: { readonly needs: ReturnType<typeof sysctlNeeds>; readonly problems: readonly string[] } | null = null;
  return {
    look: async (ports, again) => {
      const needs = sysctlNeeds(ports);
      if (!again && known !== null && isDeepStrictEqual(known.needs, needs)) return known.problems;
      const problems = await checkSysctls(sysctls, needs, settings.setSysctls);
      if (needs.proxied) problems.push(...await attempt('Packets cannot be led to the proxy', () => routing.ensure(settings.mark, settings.routeTable)));
      known = { needs, problems };
      return problems;
    },
    remove: () => routing.remove(),
  };
}

/** What went wrong, as a sentence; empty: nothing. */
export async function attempt(failure: string, action: () => Promise<void>): Promise<string[]> {
  try {
    await action();
    return [];
  } catch (error) {
    return [`${failure}: ${error instanceof Error ? error.message : String(error)}; it is tried again.`];
  }
}
