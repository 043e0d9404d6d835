import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { addNamespace, removeNamespace, type Namespace } from '../netns/namespace.ts';
import { lacks, lacksRoot } from '../support/requirement.ts';
import { ready, startForeground, type Foreground } from './lab/foreground.ts';

/** A session as the other product is to hold it. Addresses are its own view: `local` is the router's. */
export interface PeerSession {
  readonly local: string;
  readonly remote: string;
  readonly multihop: boolean;
}

/** Timers of the other product. */
export interface PeerTimers {
  readonly receiveIntervalMs: number;
  readonly transmitIntervalMs: number;
  readonly detectMultiplier: number;
}

export const FAST: PeerTimers = { receiveIntervalMs: 50, transmitIntervalMs: 50, detectMultiplier: 3 };

/** BIRD or FRR, speaking BFD alone. */
export interface BfdPeer {
  /** What it knows of its session with `remote`: `up`, `down`, ... in lower case; empty: nothing. */
  state(remote: string): Promise<string>;
  /** From now on with these timers. */
  setTimers(timers: PeerTimers): Promise<void>;
  /** Administratively down. */
  shutDown(remote: string): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export type BfdPeerKind = 'bird' | 'frr';

/** A node and a router on one cable, `eth0` at both ends, with addresses of both families. The router has 10.98.0.1 and fd98::1 besides, behind it. */
export interface Cable {
  readonly node: Namespace;
  readonly router: Namespace;
  readonly folder: string;
}

export const NODE = { IPv4: '10.97.0.1', IPv6: 'fd97::1' } as const;
export const ROUTER = { IPv4: '10.97.0.2', IPv6: 'fd97::2' } as const;
/** Not of the cable's subnet: reached by a route, from the node's own address of that kind. */
export const FAR_NODE = { IPv4: '10.98.0.1', IPv6: 'fd98::1' } as const;
export const FAR_ROUTER = { IPv4: '10.99.0.1', IPv6: 'fd99::1' } as const;

const FRR = '/usr/lib/frr';

/** Why these tests cannot run here; false when they can. */
export function lacksBfdPeer(kind: BfdPeerKind): string | false {
  return lacksRoot() || lacks('ip') || (kind === 'bird' ? lacks('bird') : lacks('vtysh') || lacks(`${FRR}/bfdd`));
}

let cables = 0;

/** Makes them; removed with the test. */
export async function startCable(t: TestContext): Promise<Cable> {
  cables += 1;
  const name = `ghbfd${process.pid}-${cables}`;
  const [node, router] = [await addNamespace(`${name}n`), await addNamespace(`${name}r`)];
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-bfd-'));
  t.after(async () => {
    for (const namespace of [node, router]) await removeNamespace(namespace);
    await rm(folder, { recursive: true, force: true });
  });
  await node.exec('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', router.name]);
  await configureEnd(node, { addresses: NODE, far: FAR_NODE, otherFar: FAR_ROUTER, gateways: ROUTER });
  await configureEnd(router, { addresses: ROUTER, far: FAR_ROUTER, otherFar: FAR_NODE, gateways: NODE });
  return { node, router, folder };
}

type Addresses = Readonly<Record<'IPv4' | 'IPv6', string>>;
interface EndOptions {
  readonly addresses: Addresses;
  readonly far: Addresses;
  readonly otherFar: Addresses;
  readonly gateways: Addresses;
}

async function configureEnd(namespace: Namespace, { addresses, far, otherFar, gateways }: EndOptions): Promise<void> {
  await namespace.exec('ip', ['link', 'set', 'lo', 'up']);
  await namespace.exec('ip', ['link', 'set', 'eth0', 'up']);
  for (const [family, prefixLength, whole] of [['IPv4', 24, 32], ['IPv6', 64, 128]] as const) {
    const more = family === 'IPv6' ? ['nodad'] : [];
    await namespace.exec('ip', ['address', 'add', `${addresses[family]}/${prefixLength}`, 'dev', 'eth0', ...more]);
    await namespace.exec('ip', ['address', 'add', `${far[family]}/${whole}`, 'dev', 'lo', ...more]);
    await namespace.exec('ip', [family === 'IPv4' ? '-4' : '-6', 'route', 'add', `${otherFar[family]}/${whole}`, 'via', gateways[family], 'src', far[family]]);
  }
}

/** Starts one in the router's namespace; ready when it answers. In real time: its own lateness on a busy machine is not what is tested. */
export function startBfdPeer(kind: BfdPeerKind, cable: Cable, sessions: readonly PeerSession[]): Promise<BfdPeer> {
  return kind === 'bird' ? startBird(cable, sessions) : startFrr(cable, sessions);
}

async function startBird({ router, folder }: Cable, sessions: readonly PeerSession[]): Promise<BfdPeer> {
  const config = join(folder, 'bird.conf');
  const control = join(folder, 'bird.ctl');
  const without = new Set<string>();
  const write = (timers: PeerTimers) => writeFile(config, birdConfig(sessions.filter(({ remote }) => !without.has(remote)), timers));
  await write(FAST);
  const daemon = startForeground(router, 'chrt', ['--rr', '1', 'bird', '-f', '-c', config, '-s', control]);
  const ask = (command: string) => router.run('birdc', ['-s', control, command]);
  await ready('bird', daemon, async () => (await ask('show status')).code === 0);
  return {
    state: async (remote) => {
      const { stdout } = await ask('show bfd sessions');
      const line = stdout.split('\n').find((one) => one.startsWith(`${remote} `));
      return (line?.split(/\s+/)[2] ?? '').toLowerCase();
    },
    setTimers: async (timers) => {
      await write(timers);
      await ask('configure');
    },
    shutDown: async (remote) => {
      without.add(remote);
      await write(FAST);
      await ask('configure');
    },
    kill: () => daemon.end('SIGKILL'),
  };
}

function birdConfig(sessions: readonly PeerSession[], { receiveIntervalMs, transmitIntervalMs, detectMultiplier }: PeerTimers): string {
  const timers = `{ min rx interval ${receiveIntervalMs} ms; min tx interval ${transmitIntervalMs} ms; idle tx interval 1 s; multiplier ${detectMultiplier}; };`;
  const neighbors = sessions.map(({ local, remote, multihop }) => {
    const isLinkLocal = remote.startsWith('fe80');
    const device = isLinkLocal ? ' dev "eth0"' : '';
    return multihop ? `  neighbor ${remote} local ${local} multihop;` : `  neighbor ${remote}${device} local ${local};`;
  });
  return [
    'router id 10.97.0.2;', 'protocol device { scan time 1; }', 'protocol bfd {', `  interface "*" ${timers}`, `  multihop ${timers}`, ...neighbors, '}', '',
  ].join('\n');
}

async function startFrr({ router, folder }: Cable, sessions: readonly PeerSession[]): Promise<BfdPeer> {
  const own = join(folder, 'frr');
  await mkdir(own);
  // The daemons give up root for the user `frr`.
  for (const path of [folder, own]) await chmod(path, 0o777);
  const config = join(own, 'frr.conf');
  await writeFile(config, frrConfig(sessions));
  const start = async (name: string, more: readonly string[] = []): Promise<Foreground> => {
    const args = ['-f', config, '-i', join(own, `${name}.pid`), '-z', join(own, 'zserv'), '--vty_socket', own, '--log', 'stdout', '-P', '0', ...more];
    const daemon = startForeground(router, 'chrt', ['--rr', '1', `${FRR}/${name}`, ...args]);
    await ready(name, daemon, async () => (await router.run('vtysh', ['--vty_socket', own, '-d', name, '-c', 'show version'])).code === 0);
    return daemon;
  };
  await start('zebra');
  const daemon = await start('bfdd', ['--bfdctl', join(own, 'bfdd.sock')]);
  const ask = (...commands: readonly string[]) =>
    router.exec('vtysh', ['--vty_socket', own, '-d', 'bfdd', ...commands.flatMap((command) => ['-c', command])]);
  return {
    state: async (remote) => {
      const all = JSON.parse(await ask('show bfd peers json')) as readonly { readonly peer: string; readonly status: string }[];
      return all.find(({ peer }) => peer === remote)?.status.toLowerCase() ?? '';
    },
    setTimers: async (timers) => { await ask('configure terminal', 'bfd', 'profile fast', ...timerLines(timers)); },
    shutDown: async (remote) => {
      const session = sessions.find((one) => one.remote === remote);
      if (session !== undefined) await ask('configure terminal', 'bfd', peerLine(session), 'shutdown');
    },
    kill: () => daemon.end('SIGKILL'),
  };
}

function peerLine({ local, remote, multihop }: PeerSession): string {
  return multihop ? `peer ${remote} multihop local-address ${local}` : `peer ${remote} local-address ${local} interface eth0`;
}

function timerLines({ receiveIntervalMs, transmitIntervalMs, detectMultiplier }: PeerTimers): readonly string[] {
  return [`receive-interval ${receiveIntervalMs}`, `transmit-interval ${transmitIntervalMs}`, `detect-multiplier ${detectMultiplier}`];
}

function frrConfig(sessions: readonly PeerSession[]): string {
  return [
    'log stdout', 'bfd', ' profile fast', ...timerLines(FAST).map((line) => `  ${line}`), ' exit',
    ...sessions.flatMap((session) => [` ${peerLine(session)}`, '  profile fast', '  no shutdown', ' exit']), 'exit', '',
  ].join('\n');
}
