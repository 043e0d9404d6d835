import type { Namespace } from './namespace.ts';

/** What may happen to the cables between nodes and switch. */
export interface Cables {
  /** A node's cable is pulled, at the switch: nobody hears it, and it sees its link go. */
  cut(number: number): Promise<void>;
  restore(number: number): Promise<void>;
  /** Nodes of different groups hear each other no more; everybody else hears all, and all links stay up. */
  partition(groups: readonly (readonly number[])[]): Promise<void>;
  /** Nobody hears a node, nor does it hear anybody, but its link stays up. */
  silence(number: number): Promise<void>;
  /** Ends `partition` and `silence`. */
  heal(): Promise<void>;
}

/** Name of the bridge in the namespace of the switch. */
export const BRIDGE = 'switch0';
/** Names of its ports to nodes begin so. */
export const NODE_PORT_PREFIX = 'node';
const FILTER = 'gatehouse_lab';

/** Of the switch whose namespace is given. */
export function createCables(wires: Namespace): Cables {
  const setPort = (number: number, state: 'up' | 'down') => wires.exec('ip', ['link', 'set', `${NODE_PORT_PREFIX}${number}`, state]).then(() => {});
  const filter = (rules: readonly string[]) =>
    wires.exec('nft', ['-f', '-'], `table bridge ${FILTER}\ndelete table bridge ${FILTER}\n${rules.join('\n')}\n`).then(() => {});
  const drop = (rules: readonly string[]) =>
    filter([`table bridge ${FILTER} { chain forward { type filter hook forward priority 0; ${rules.map((rule) => `${rule} drop;`).join(' ')} }; }`]);
  const ports = (numbers: readonly number[]) => `{ ${numbers.map((number) => `"${NODE_PORT_PREFIX}${number}"`).join(', ')} }`;
  return {
    cut: (number) => setPort(number, 'down'),
    restore: (number) => setPort(number, 'up'),
    partition: (groups) =>
      drop(groups.flatMap((from) => groups.filter((to) => to !== from).map((to) => `iifname ${ports(from)} oifname ${ports(to)}`))),
    silence: (number) => drop([`iifname ${ports([number])}`, `oifname ${ports([number])}`]),
    heal: () => filter([]),
  };
}
