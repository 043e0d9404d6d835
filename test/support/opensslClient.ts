import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import type { Issued } from './certificates.ts';

/** One connection of `openssl s_client`. */
export interface OpensslOptions {
  readonly port: number;
  /** SNI; null: none is sent. */
  readonly serverName: string | null;
  /** Further arguments. */
  readonly flags?: readonly string[];
  /** Written once connected; then all that comes is read until the peer closes. Without it the connection is closed when it is made. */
  readonly request?: string;
  /** Instead of `request`: written as from a terminal, where a line `R` renegotiates. */
  readonly keyboard?: string;
}

/** What `openssl s_client` tells. */
export interface OpensslOutcome {
  /** Common name of the certificate the server showed; empty: it showed none. */
  readonly commonName: string;
  /** Whether a handshake was done. */
  readonly isSecure: boolean;
  readonly isResumed: boolean;
  /** From the status line of an answer; null: there was none. */
  readonly status: number | null;
  /** Everything it printed, errors included. */
  readonly text: string;
}

/** Runs `openssl s_client` to its end. Never rejects because of what the server does. */
export async function openssl({ port, serverName, flags = [], request, keyboard }: OpensslOptions): Promise<OpensslOutcome> {
  const name = serverName === null ? ['-noservername'] : ['-servername', serverName];
  const waits = request === undefined ? [] : ['-ign_eof'];
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...name, ...waits, ...flags]);
  // It may be gone before it has read.
  child.stdin.on('error', () => {});
  child.stdin.end(request ?? keyboard ?? '');
  const [printed, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const status = /^HTTP\/1\.1 (\d{3}) /m.exec(printed)?.[1];
  return {
    commonName: /^subject=.*CN ?= ?([^,\n]+)/m.exec(printed)?.[1] ?? '',
    isSecure: /^(New|Reused), TLSv1/m.test(printed),
    isResumed: /^Reused, TLSv1/m.test(printed),
    status: status === undefined ? null : Number(status),
    text: printed + errors,
  };
}

/** A GET that asks for the connection to be closed. */
export function getOnce(host: string, fields = ''): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}Connection: close\r\n\r\n`;
}

/** Files for programs that take nothing else; gone when the test ends. */
export interface TestFiles {
  path(name: string): string;
  /** Writes a chain and its key, for `-cert` and the like. */
  pair(name: string, issued: Issued): Promise<{ readonly certificate: string; readonly key: string }>;
}

/** A folder that lives until the test ends. */
export async function testFiles(t: TestContext): Promise<TestFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    async pair(name, issued) {
      const pair = { certificate: path(`${name}.crt`), key: path(`${name}.key`) };
      await Promise.all([writeFile(pair.certificate, issued.chainPem), writeFile(pair.key, issued.privateKeyPem)]);
      return pair;
    },
  };
}
