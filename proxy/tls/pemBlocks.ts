/** The PEM blocks of one kind in a text (RFC 7468), each with its lines; what stands between them is skipped. */
export function pemBlocks(pem: string, label: 'CERTIFICATE' | 'X509 CRL'): readonly string[] {
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: string[] = [];
  for (let from = pem.indexOf(begin); from !== -1; from = pem.indexOf(begin, from + 1)) {
    const to = pem.indexOf(end, from);
    if (to === -1) break;
    blocks.push(`${pem.slice(from, to + end.length)}\n`);
  }
  return blocks;
}
