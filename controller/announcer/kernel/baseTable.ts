import { NFT_FAMILIES, type NftFamily } from './nftFamily.ts';

/** The one table there is, of both families. */
export const TABLE = 'inet gatehouse';

/** What the fixed part depends on. */
export interface BaseTableOptions {
  /** One bit of the packet mark. */
  readonly mark: number;
  /** Names of interfaces (a `*` at the end fits any rest) that containers of this machine send by. */
  readonly containerInterfaces: readonly string[];
  /** A chain of that name is made, so that one can see later whether this very table is still there. */
  readonly marker: string;
}

/** Names of interfaces by which common network plugins connect a node with its own pods. */
export const CONTAINER_INTERFACES: readonly string[] = ['veth*', 'cali*', 'cni*', 'cbr*', 'lxc*', 'docker*', 'azv*', 'gke*', 'virbr*'];

/**
 * Sets, maps and chains that do not depend on ports, one statement a line. Every hook and its priority is here;
 * docs/kernel-forwarding.md says what each is for.
 */
export function baseTable(options: BaseTableOptions): string {
  return [
    `table ${TABLE} {`,
    set('uplinks', 'type iface_index'),
    ...NFT_FAMILIES.flatMap(declarations),
    `  chain ${options.marker} {\n  }`,
    ...sharedChains(options),
    ...NFT_FAMILIES.flatMap((family) => familyChains(family, options)),
    ...hooks(),
    '}',
    '',
  ].join('\n');
}

/** `iifname` of packets that containers of this machine send. */
function fromContainers(names: readonly string[]): string {
  return `iifname { ${names.map((name) => `"${name}"`).join(', ')} }`;
}

function declarations({ suffix, addressType }: NftFamily): string[] {
  const port = `${addressType} . inet_proto . inet_service`;
  return [
    set(`vips${suffix}`, `type ${addressType}`),
    set(`proxied${suffix}`, `type ${port}`),
    set(`own-endpoints${suffix}`, `type ${addressType}`),
    set(`hairpin${suffix}`, `type ${addressType} . ${addressType}`),
    map(`guards${suffix}`, `type ${port} : verdict`),
    map(`ports${suffix}`, `type ${port} : verdict`),
    map(`own-ports${suffix}`, `type ${port} : verdict`),
    // `ct original proto-dst` can be part of a key only where the protocol is known.
    map(`sources${suffix}-tcp`, `type ${addressType} . inet_service : verdict`),
    map(`sources${suffix}-udp`, `type ${addressType} . inet_service : verdict`),
  ];
}

function sharedChains({ mark, containerInterfaces }: BaseTableOptions): string[] {
  return [
    chain('deliver', [`meta mark set meta mark | ${mark}`, 'accept']),
    chain('refuse', ['meta l4proto tcp reject with tcp reset', 'meta l4proto udp reject', 'drop']),
    ...(containerInterfaces.length === 0 ? [chain('refuse-others', ['goto refuse'])]
      : [chain('refuse-others', [`${fromContainers(containerInterfaces)} return`, 'goto refuse'])]),
    chain('unclaimed', [`meta mark & ${mark} == ${mark} accept`, 'ct state established,related accept', 'ct state new goto refuse', 'drop']),
    // Not fully-random as kube-proxy has it: such ports hit those in TIME_WAIT at the endpoint, and new connections fall to half (bench/NOTES.md).
    chain('hide-source', ['masquerade']),
  ];
}

function familyChains({ suffix, header }: NftFamily, { containerInterfaces }: BaseTableOptions): string[] {
  const port = `${header} daddr . meta l4proto . th dport`;
  const errors = suffix === '4' ? 'icmp type { destination-unreachable, time-exceeded, parameter-problem }'
    : 'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }';
  const echo = suffix === '4' ? 'icmp type echo-request' : 'icmpv6 type echo-request';
  const own = containerInterfaces.length === 0 ? [] : [`${fromContainers(containerInterfaces)} ${port} vmap @own-ports${suffix}`];
  return [
    chain(`untrack${suffix}`, [`${port} @proxied${suffix} notrack`]),
    chain(`screen${suffix}`, [
      'ct state established,related accept',
      // An INVALID packet may be a late one of a living flow, which a reset would end.
      `iif != lo ct state { new, untracked } ${port} vmap @guards${suffix}`,
      `${port} @proxied${suffix} goto deliver`,
      `${errors} goto deliver`,
    ]),
    chain(`route-own${suffix}`, [
      'ct state established,related accept',
      `${port} @proxied${suffix} goto deliver`,
      `${errors} goto deliver`,
    ]),
    chain(`arriving${suffix}`, [...own, `${port} vmap @ports${suffix}`, `${echo} redirect`]),
    chain(`own${suffix}`, [`${port} vmap @own-ports${suffix}`, `${port} vmap @ports${suffix}`, `${echo} redirect`]),
    chain(`keep-source${suffix}`, [
      'fib saddr type local masquerade',
      `${header} saddr . ${header} daddr @hairpin${suffix} masquerade`,
    ]),
    // Replies of endpoints on this machine come back through it. Where a kernel (before 5.7) cannot tell by what interface a packet came, the source is hidden.
    chain(`keep-own${suffix}`, [`iif @uplinks ${header} daddr @own-endpoints${suffix} accept`, 'goto hide-source']),
    chain(`leaving${suffix}`, ['tcp', 'udp'].map((protocol) =>
      `meta l4proto ${protocol} ct original ${header} daddr . ct original proto-dst vmap @sources${suffix}-${protocol}`)),
  ];
}

/** Numbers, not names, of priorities: dstnat is -100 in prerouting, and so are the chains of every mode of kube-proxy. */
function hooks(): string[] {
  const toVips = (target: string): string[] =>
    NFT_FAMILIES.map(({ suffix, header }) => `${header} daddr @vips${suffix} goto ${target}${suffix}`);
  const refused = NFT_FAMILIES.map(({ suffix, header }) => `${header} daddr @vips${suffix} goto unclaimed`);
  const replies = NFT_FAMILIES.map(({ suffix, header }) => `${header} saddr . meta l4proto . th sport @proxied${suffix} notrack`);
  return [
    hook('raw-in', 'type filter hook prerouting priority -300', toVips('untrack')),
    hook('raw-out', 'type filter hook output priority -300', [...replies, ...toVips('untrack')]),
    hook('mangle-in', 'type filter hook prerouting priority -150', toVips('screen')),
    hook('mangle-out', 'type route hook output priority -150', toVips('route-own')),
    hook('nat-in', 'type nat hook prerouting priority -110', toVips('arriving')),
    hook('nat-out', 'type nat hook output priority -110', toVips('own')),
    hook('rest-in', 'type filter hook prerouting priority -90', refused),
    // Copies of packets that are handed over to another node.
    hook('rest-out', 'type filter hook output priority -90', ['ct state untracked accept', ...refused]),
    hook('source-nat', 'type nat hook postrouting priority 90', [
      'ct status & dnat != dnat accept',
      'meta nfproto ipv4 goto leaving4',
      'meta nfproto ipv6 goto leaving6',
    ]),
  ];
}

function set(name: string, declaration: string): string {
  return `  set ${name} {\n    ${declaration}\n  }`;
}

function map(name: string, declaration: string): string {
  return `  map ${name} {\n    ${declaration}\n  }`;
}

function chain(name: string, rules: readonly string[]): string {
  return [`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), '  }'].join('\n');
}

function hook(name: string, declaration: string, rules: readonly string[]): string {
  return chain(name, [`${declaration};`, ...rules]);
}
