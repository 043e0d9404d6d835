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

/** A network interface by name, or by an address it leads to. */
export const INTERFACE_OR_ROUTE: TextForm = {
  rule: `${INTERFACE.rule}, or "can_reach:" and an IP address`,
  matches: (text) =>
    text.startsWith(CAN_REACH) ? ADDRESS.matches(text.slice(CAN_REACH.length)) : INTERFACE.matches(text),
};
