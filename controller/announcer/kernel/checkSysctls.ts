import type { Sysctls } from './sysctls.ts';

/** What is forwarded, as far as kernel parameters depend on it. */
export interface SysctlNeeds {
  /** Ports that go to endpoints, by family of the VIP. */
  readonly forwarded4: boolean;
  readonly forwarded6: boolean;
  /** An IPv4 port goes to the proxy. */
  readonly proxied4: boolean;
  readonly maglev: boolean;
}

/** A parameter that is not as it must be. */
interface Finding {
  /** What does not work, and what to do. */
  readonly sentence: string;
  /** What to write, in that order; empty: nothing that may be changed from here. */
  readonly fix: readonly (readonly [name: string, value: string])[];
}

/**
 * Sentences about kernel parameters that stand in the way, each with what to do. With `change`, those that can be are written
 * instead, and only what could not be is told.
 */
export async function checkSysctls(sysctls: Sysctls, needs: SysctlNeeds, change: boolean): Promise<string[]> {
  const findings = (await Promise.all([
    needs.forwarded4 ? checkForwarding4(sysctls) : null,
    needs.forwarded6 ? checkForwarding6(sysctls) : null,
    needs.forwarded4 || needs.proxied4 ? checkReversePath(sysctls, needs.proxied4) : null,
    needs.maglev ? checkLoose(sysctls) : null,
    checkStrictArp(sysctls),
  ])).filter((finding) => finding !== null);
  const sentences: string[] = [];
  for (const { sentence, fix } of findings) {
    const failure = change && fix.length > 0 ? await write(sysctls, fix) : 'not changed';
    if (failure !== null) sentences.push(failure === 'not changed' ? sentence : `${sentence} It could not be changed: ${failure}.`);
  }
  return sentences;
}

async function checkForwarding4(sysctls: Sysctls): Promise<Finding | null> {
  if (await sysctls.read('net/ipv4/ip_forward') !== '0') return null;
  return {
    sentence: 'net.ipv4.ip_forward is 0, so nothing reaches endpoints of IPv4 VIPs: set it to 1, or start with --set-sysctls.',
    fix: [['net/ipv4/ip_forward', '1']],
  };
}

/** Interfaces that forward ignore router advertisements unless accept_ra is 2, and the node would lose its own routes. */
async function checkForwarding6(sysctls: Sysctls): Promise<Finding | null> {
  if (await sysctls.read('net/ipv6/conf/all/forwarding') !== '0') return null;
  const fix: [string, string][] = [];
  for (const name of await sysctls.list('net/ipv6/conf')) {
    if (await sysctls.read(`net/ipv6/conf/${name}/accept_ra`) === '1') fix.push([`net/ipv6/conf/${name}/accept_ra`, '2']);
  }
  return {
    sentence: 'net.ipv6.conf.all.forwarding is 0, so nothing reaches endpoints of IPv6 VIPs: set it to 1 (and accept_ra to 2 where '
      + 'routes come from router advertisements), or start with --set-sysctls.',
    fix: [...fix, ['net/ipv6/conf/all/forwarding', '1']],
  };
}

/** The kernel takes the larger of what `all` and the interface say. */
async function checkReversePath(sysctls: Sysctls, proxied: boolean): Promise<Finding | null> {
  const all = Number(await sysctls.read('net/ipv4/conf/all/rp_filter') ?? 0);
  const names = (await sysctls.list('net/ipv4/conf')).filter((name) => !['all', 'default', 'lo'].includes(name));
  const filters = await Promise.all(names.map(async (name) => ({ name, value: Math.max(all, Number(await sysctls.read(`net/ipv4/conf/${name}/rp_filter`) ?? 0)) })));
  const filtering = filters.filter(({ value }) => value > 0);
  if (proxied && filtering.length > 0 && await sysctls.read('net/ipv4/conf/all/src_valid_mark') === '1') {
    return {
      sentence: `net.ipv4.conf.all.src_valid_mark is 1 while rp_filter is on (${printNames(filtering)}), so the kernel drops packets that are marked `
        + 'for the proxy: set src_valid_mark to 0, or rp_filter to 0.',
      fix: [],
    };
  }
  const strict = filters.filter(({ value }) => value === 1);
  if (strict.length < 2) return null;
  return {
    sentence: `rp_filter is 1 on several interfaces (${printNames(strict)}), so clients that come by another one than the route back to them are `
      + 'dropped: set net.ipv4.conf.all.rp_filter to 2, or start with --set-sysctls.',
    fix: [['net/ipv4/conf/all/rp_filter', '2']],
  };
}

async function checkLoose(sysctls: Sysctls): Promise<Finding | null> {
  if (await sysctls.read('net/netfilter/nf_conntrack_tcp_loose') !== '0') return null;
  return {
    sentence: 'net.netfilter.nf_conntrack_tcp_loose is 0, so connections to VIPs with Maglev balancing end when another node takes them '
      + 'over: set it to 1, or start with --set-sysctls.',
    fix: [['net/netfilter/nf_conntrack_tcp_loose', '1']],
  };
}

/** kube-proxy's IPVS mode puts VIPs on a local interface, and the kernel answers ARP for them on every node. */
async function checkStrictArp(sysctls: Sysctls): Promise<Finding | null> {
  if (!(await sysctls.list('net/ipv4/conf')).includes('kube-ipvs0')) return null;
  const ignore = Number(await sysctls.read('net/ipv4/conf/all/arp_ignore') ?? 0);
  const announce = Number(await sysctls.read('net/ipv4/conf/all/arp_announce') ?? 0);
  if (ignore >= 1 && announce >= 2) return null;
  return {
    sentence: 'kube-proxy runs in IPVS mode and has VIPs on kube-ipvs0, which the kernel of every node answers ARP for: set strictARP: true '
      + 'in the configuration of kube-proxy.',
    fix: [],
  };
}

async function write(sysctls: Sysctls, fix: Finding['fix']): Promise<string | null> {
  try {
    for (const [name, value] of fix) await sysctls.write(name, value);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function printNames(interfaces: readonly { readonly name: string }[]): string {
  const names = interfaces.map(({ name }) => name);
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
