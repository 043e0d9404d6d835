import { SERVICE_ROWS, type AnyServiceRow } from './serviceRows.ts';

const INTRODUCTION = `For Services whose ports Gatehouse carries as raw TCP or UDP: those of type LoadBalancer, and for times, \`max-connections\`
and canaries also those in the \`--tcp-services-configmap\` and \`--udp-services-configmap\`. Behind \`gatehouse.dev/\` only. Those that
ask for addresses are in [address-pools.md](address-pools.md).
`;

/** The part of docs/annotations.md that tells the annotations of Services. */
export function serviceAnnotationDocs(): string {
  const rows: readonly AnyServiceRow[] = Object.values(SERVICE_ROWS);
  const lines = rows.map(({ name, defaultText, documentation }) => `| \`${name}\` | ${defaultText} | ${documentation} |`);
  return [INTRODUCTION, '| name | default | what it does |', '|---|---|---|', ...lines, ''].join('\n');
}
