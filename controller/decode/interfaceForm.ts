import { RE2JS } from 're2js';
import { ADDRESS } from './addressForm.ts';
import type { TextForm } from './textForm.ts';

/** Name of a network interface (Linux: IFNAMSIZ 16 with its end, no "/", ":" or blank); printable ASCII only is ours. */
const NAME = /^[!-.0-9;-~]{1,15}$/;

/** As OpenELB has it: the interface whose route leads to this address. */
const CAN_REACH = 'can_reach:';

/** A network interface, or a VRF, which is one too. */
export const INTERFACE: TextForm = {
  rule: 'must be the name of a network interface: at most 15 characters without blanks, "/" and ":"',
  matches: (text) => NAME.test(text),
};

/** Ours: enough for the names of a machine. */
const MAX_EXPRESSION_CHARS = 128;

/** A network interface by name, by a regular expression on names, or by an address it leads to. */
export const INTERFACE_OR_ROUTE: TextForm = {
  rule: `${INTERFACE.rule}; or a regular expression between "/" and "/"; or "can_reach:" and an IP address`,
  matches: (text) => {
    if (text.startsWith(CAN_REACH)) return ADDRESS.matches(text.slice(CAN_REACH.length));
    return text.startsWith('/') ? isExpression(text) : INTERFACE.matches(text);
  },
};

function isExpression(text: string): boolean {
  if (text.length < 3 || text.length > MAX_EXPRESSION_CHARS || !text.endsWith('/')) return false;
  try {
    RE2JS.compile(text.slice(1, -1));
    return true;
  } catch {
    return false;
  }
}
