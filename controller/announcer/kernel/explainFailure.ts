import type { NftResult } from './nft.ts';

const MODULES = 'nf_tables, nft_ct, nft_nat, nft_masq, nft_redir, nft_reject_inet, nft_numgen, nft_hash, nft_fib_inet';

/** Why the table could not be written, and what to do about it, in one sentence or two. */
export function explainFailure(result: Extract<NftResult, { ok: false }>): string {
  const said = firstError(result.text);
  switch (result.reason) {
    case 'missing':
      return 'There is no nft on this node, so no VIP is forwarded by the kernel: install the package nftables (1.0.2 or later).';
    case 'unknown':
      return `The table in the kernel could not be written (${said}); it is tried again.`;
    case 'refused':
      if (/Operation not permitted|Permission denied/.test(result.text)) {
        return `The kernel does not let the announcer write its table (${said}): it needs the capability NET_ADMIN.`;
      }
      if (/Operation not supported|No such file or directory|Protocol not supported/.test(result.text)) {
        return `The kernel has refused the table (${said}): load or build the modules ${MODULES}; it is tried again.`;
      }
      return `The kernel has refused the table (${said}); it is tried again.`;
  }
}

/** Only the line with the error: the next ones repeat what was written, which may be long. */
function firstError(text: string): string {
  const lines = text.split('\n');
  const line = lines.find((each) => each.includes('Error:')) ?? lines[0] ?? '';
  return line.trim().slice(0, 200);
}
