import ipaddr from 'ipaddr.js';
import { DNS_SUBDOMAIN, IP_ADDRESS, type TextForm } from './textForm.ts';
import type { EndpointSlice } from '../model/endpoints.ts';

/**
 * Ranges that no backend can have (API server: ValidateNonSpecialIP). Loopback is left to translation: without a cluster
 * backends do run on the same machine.
 */
const REFUSED_RANGES = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal', 'ipv4Mapped']);

const IP_RULE = 'must be an address that a backend can have: not unspecified, link-local, multicast or IPv4-mapped';

/** An IP address of either family that a backend can have. */
export const ENDPOINT_IP: TextForm = {
  rule: IP_RULE,
  matches: (text) => IP_ADDRESS.matches(text) && !REFUSED_RANGES.has(ipaddr.parse(text).range()),
};

/** The form of an endpoint's addresses, by `addressType` of its slice. */
export const ADDRESS_FORMS: Readonly<Record<EndpointSlice['addressType'], TextForm>> = {
  IPv4: { rule: `${IP_RULE}, IPv4`, matches: (text) => !text.includes(':') && ENDPOINT_IP.matches(text) },
  IPv6: { rule: `${IP_RULE}, IPv6`, matches: (text) => text.includes(':') && ENDPOINT_IP.matches(text) },
  FQDN: { rule: DNS_SUBDOMAIN.rule, matches: (text) => text.includes('.') && DNS_SUBDOMAIN.matches(text) },
};
