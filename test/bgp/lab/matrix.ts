import type { TestContext } from 'node:test';
import { ROUTER_KINDS, type RouterKind } from './router.ts';

/** Something that two makes of BGP have to agree on. */
export interface Feature {
  readonly name: string;
  /** Routers that lack it, and what they lack; left out: none. */
  readonly lacks?: Partial<Readonly<Record<RouterKind, string>>>;
  /** Throws when it is not as it must be. */
  readonly check: (kind: RouterKind) => Promise<void>;
}

/** Which routers agree with Gatehouse on what. */
export interface Matrix {
  /** Checks a row, all its cells at once; throws with those that are wrong. */
  check(feature: Feature): Promise<void>;
}

const WIDEST = 34;
const CELL = 7;

/** Told as a diagnostic when the test ends, whatever comes of it. */
export function createMatrix(t: TestContext): Matrix {
  const rows: string[][] = [['', ...ROUTER_KINDS]];
  const lacking: string[] = [];
  t.after(() => {
    for (const row of rows) t.diagnostic(row.map((cell, index) => cell.padEnd(index === 0 ? WIDEST : CELL)).join(' ').trimEnd());
    for (const line of lacking) t.diagnostic(line);
  });
  return {
    check: async ({ name, lacks = {}, check }) => {
      const wrong: string[] = [];
      const cells = await Promise.all(ROUTER_KINDS.map(async (kind) => {
        if (lacks[kind] !== undefined) return 'lacks';
        try {
          await check(kind);
          return 'yes';
        } catch (error) {
          wrong.push(`${name} with ${kind}: ${error instanceof Error ? error.message : String(error)}`);
          return 'NO';
        }
      }));
      rows.push([name, ...cells]);
      lacking.push(...Object.entries(lacks).map(([kind, what]) => `${kind} lacks ${name}: ${what}`));
      if (wrong.length > 0) throw new Error(wrong.join('\n\n'));
    },
  };
}
