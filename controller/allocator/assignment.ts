import { parseIpAddress, type IpAddress } from '../../core/net/ipAddress.ts';

/** What one Service has been given. */
export interface ServiceAssignment {
  /** IP address literals in canonical form, in the order of the Service's families. Never empty. */
  readonly addresses: readonly string[];
  /** Name of the IPAddressPool all of them come from. */
  readonly pool: string;
  /**
   * Fingerprint of the terms under which the addresses may be shared; absent when they may not. When terms of Services that
   * share an address no longer agree, the one whose terms have changed gives it up.
   */
  readonly sharingTerms?: string;
}

/** `namespace/name` of a Service → what it has. */
export type Assignments = ReadonlyMap<string, ServiceAssignment>;

/** Those of the texts that are addresses. */
export function parseAddresses(texts: readonly string[]): readonly IpAddress[] {
  return texts.map(parseIpAddress).filter((address) => address !== null);
}
