import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSysctls, type SysctlNeeds } from './checkSysctls.ts';
import type { Sysctls } from './sysctls.ts';

const ALL: SysctlNeeds = { forwarded4: true, forwarded6: true, proxied4: true, maglev: true };

function sysctlsOf(values: Map<string, string>, refusal: string | null = null): Sysctls {
  return {
    read: (name) => Promise.resolve(values.get(name) ?? null),
    write: (name, value) => {
      if (refusal !== null) return Promise.reject(new Error(refusal));
      values.set(name, value);
      return Promise.resolve();
    },
    list: (name) => Promise.resolve([...new Set([...values.keys()].filter((key) => key.startsWith(`${name}/`)).map((key) => key.slice(name.length + 1).split('/')[0] ?? ''))]),
  };
}

const bad = (): Map<string, string> => new Map([
  ['net/ipv4/ip_forward', '0'],
  ['net/ipv6/conf/all/forwarding', '0'],
  ['net/ipv6/conf/eth0/accept_ra', '1'],
  ['net/ipv4/conf/all/rp_filter', '1'],
  ['net/ipv4/conf/eth0/rp_filter', '0'],
  ['net/ipv4/conf/eth1/rp_filter', '1'],
  ['net/netfilter/nf_conntrack_tcp_loose', '0'],
]);

test('each parameter that stands in the way is a sentence that says what to do', async () => {
  const sentences = await checkSysctls(sysctlsOf(bad()), ALL, false);
  assert.deepEqual(sentences.map((sentence) => /^[\w.]+/.exec(sentence)?.[0]), [
    'net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding', 'rp_filter', 'net.netfilter.nf_conntrack_tcp_loose',
  ]);
  for (const sentence of sentences) assert.match(sentence, /set .* to \d/);
});

test('nothing is told that nothing needs', async () => {
  assert.deepEqual(await checkSysctls(sysctlsOf(bad()), { forwarded4: false, forwarded6: false, proxied4: false, maglev: false }, false), []);
  assert.deepEqual(await checkSysctls(sysctlsOf(new Map()), ALL, false), []);
});

test('where they may be changed they are, and router advertisements go on', async () => {
  const values = bad();
  assert.deepEqual(await checkSysctls(sysctlsOf(values), ALL, true), []);
  assert.equal(values.get('net/ipv4/ip_forward'), '1');
  assert.equal(values.get('net/ipv6/conf/eth0/accept_ra'), '2');
  assert.equal(values.get('net/ipv4/conf/all/rp_filter'), '2');
});

test('what cannot be changed is told with the reason', async () => {
  const [sentence = ''] = await checkSysctls(sysctlsOf(bad(), 'read-only file system'), ALL, true);
  assert.match(sentence, /It could not be changed: read-only file system/);
});

test('marks that the kernel uses to judge the source are told, and kube-proxy that lets the kernel answer ARP', async () => {
  const values = new Map([['net/ipv4/conf/all/src_valid_mark', '1'], ['net/ipv4/conf/eth0/rp_filter', '2'], ['net/ipv4/conf/kube-ipvs0/rp_filter', '0']]);
  const sentences = await checkSysctls(sysctlsOf(values), ALL, true);
  assert.equal(sentences.length, 2);
  assert.match(sentences[0] ?? '', /src_valid_mark/);
  assert.match(sentences[1] ?? '', /strictARP/);
});
