import type { TestContext } from 'node:test';
import { startBird } from './bird.ts';
import { startExaBgp } from './exaBgp.ts';
import { startFrr } from './frr.ts';
import { startGoBgp } from './goBgp.ts';
import type { RouterKind, RouterOptions, RouterPeer, RouterPlace } from './router.ts';

const START: Readonly<Record<RouterKind, (place: RouterPlace, options: RouterOptions) => Promise<RouterPeer>>> = {
  bird: startBird, frr: startFrr, gobgp: startGoBgp, exabgp: startExaBgp,
};

/** Programs that a router of this kind needs, for `lacks`. */
export const PROGRAMS: Readonly<Record<RouterKind, readonly string[]>> = {
  bird: ['bird', 'birdc'], frr: ['/usr/lib/frr/bgpd', 'vtysh'], gobgp: ['gobgpd', 'gobgp'], exabgp: ['exabgp', 'mkfifo'],
};

const LINES_SHOWN = 80;

/** Starts a router; resolves when it answers questions, its sessions as they may be. Killed when its namespace goes; tells its log when the test fails. */
export async function startRouter(t: TestContext, kind: RouterKind, place: RouterPlace, options: RouterOptions): Promise<RouterPeer> {
  const router = await START[kind](place, options);
  t.after(() => {
    if (!t.passed) t.diagnostic(`${kind} ${options.routerId}:\n${router.log().split('\n').slice(-LINES_SHOWN).join('\n')}`);
  });
  return router;
}
