import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from './access/serverCertificate.ts';
import type { ControlPlane } from './controlPlane.ts';
import { httpAdmin } from './httpAdmin.ts';
import { kubeconfigText } from './kubeconfig.ts';

const START_TIMEOUT_MS = 90_000;

/** Starts `etcd` and `kube-apiserver` of the folder on loopback, dual-stack and with RBAC, and waits until it is ready. */
export async function startRealControlPlane(assets: string): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), 'control-plane-'));
  const processes: ChildProcess[] = [];
  const authority = makeCertificate({ commonName: 'test-apiserver-ca', issuer: null });
  const serving = makeCertificate({ commonName: 'kube-apiserver', dnsNames: ['localhost'], addresses: ['127.0.0.1'], issuer: authority });
  const accounts = makeCertificate({ commonName: 'service-accounts', issuer: null });
  const client = (user: string, groups: readonly string[]): { certificatePem: string; privateKeyPem: string } =>
    makeCertificate({ commonName: user, organizations: groupsOf(user, groups), issuer: authority });
  const files = { 'ca.crt': authority.certificatePem, 'server.crt': serving.certificatePem, 'server.key': serving.privateKeyPem, 'accounts.key': accounts.privateKeyPem };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const url = `https://127.0.0.1:${port}`;
  const admin = client('kubernetes-admin', ['system:masters']);
  const api = httpAdmin({ url, authorityPem: authority.certificatePem, ...admin });
  const log = join(folder, 'kube-apiserver.log');
  const startServer = async (): Promise<ChildProcess> => {
    const server = run(join(assets, 'kube-apiserver'), serverFlags(folder, etcdPort, port), log);
    processes.push(server);
    await ready(server, log, () => api.isReady());
    return server;
  };
  // A test process that ends early leaves nothing running behind.
  const kill = (): void => processes.forEach((child) => child.kill('SIGKILL'));
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    api.close();
    for (const child of processes.toReversed()) await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    processes.push(run(join(assets, 'etcd'), etcdFlags(folder, etcdPort, peerPort), join(folder, 'etcd.log')));
    let server: ChildProcess | null = await startServer();
    return {
      kind: 'real', url, admin: api.admin, faults: null, stop,
      kubeconfig: (user, groups = []) => kubeconfigText(url, authority.certificatePem, user ?? 'kubernetes-admin', user === undefined ? admin : client(user, groups)),
      async pause() {
        if (server !== null) await end(server, 'SIGKILL');
        server = null;
      },
      async resume() {
        server ??= await startServer();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function groupsOf(user: string, groups: readonly string[]): string[] {
  const account = /^system:serviceaccount:([^:]+):/.exec(user);
  return account === null ? [...groups] : ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`, ...groups];
}

function etcdFlags(folder: string, port: number, peerPort: number): string[] {
  return [
    `--data-dir=${join(folder, 'etcd')}`, `--listen-client-urls=http://127.0.0.1:${port}`, `--advertise-client-urls=http://127.0.0.1:${port}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`, '--unsafe-no-fsync',
  ];
}

function serverFlags(folder: string, etcdPort: number, port: number): string[] {
  const file = (name: string): string => join(folder, name);
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`, `--secure-port=${port}`, '--bind-address=127.0.0.1', '--advertise-address=127.0.0.1',
    `--tls-cert-file=${file('server.crt')}`, `--tls-private-key-file=${file('server.key')}`, `--client-ca-file=${file('ca.crt')}`,
    '--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112', '--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount',
    `--service-account-key-file=${file('accounts.key')}`, `--service-account-signing-key-file=${file('accounts.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc', `--cert-dir=${folder}`, '--allow-privileged=true',
  ];
}

function run(program: string, flags: readonly string[], log: string): ChildProcess {
  const output = openSync(log, 'a');
  const child = spawn(program, flags, { stdio: ['ignore', output, output] });
  closeSync(output);
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}

async function ready(server: ChildProcess, log: string, isReady: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + START_TIMEOUT_MS;
  while (!(await isReady())) {
    if (server.exitCode !== null) throw new Error(`kube-apiserver has ended with status ${server.exitCode}: ${(await readFile(log, 'utf8')).slice(-2000)}`);
    if (Date.now() > endMs) throw new Error('kube-apiserver is not ready in time');
    await sleep(100);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
