/** How often it is looked. */
const INTERVAL_MS = 20;
/** What a change may take on a machine that does much else. */
const DEFAULT_LIMIT_MS = 30_000;

/**
 * Asks again and again until `look` gives something other than null, undefined or false, for states that nobody tells of. Throws
 * after `limitMs`, naming what was waited for and what was seen last.
 */
export async function until<T>(what: string, look: () => T | Promise<T>, limitMs = DEFAULT_LIMIT_MS): Promise<NonNullable<Exclude<T, false>>> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
