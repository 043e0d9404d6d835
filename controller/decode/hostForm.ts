import { parseHostPattern } from '../../core/net/hostPattern.ts';
import type { TextForm } from './textForm.ts';

/** Host of an Ingress rule or TLS entry (networking/v1): a DNS name, or one wildcard label in front of one. */
export const HOST: TextForm = {
  rule: 'must be a DNS name such as "shop.test" or "*.shop.test"; "*" alone, IP addresses and ports are not allowed',
  matches: (text) => text !== '' && parseHostPattern(text) !== null,
};
