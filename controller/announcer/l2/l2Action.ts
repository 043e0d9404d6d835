/** What the machine wants done, in this order. */
export type L2Action =
  /**
   * `frame` is valid until the machine is called again: send it or copy it before that. `address`: the VIP that it says to be here;
   * null: it claims nothing.
   */
  | { readonly type: 'send'; readonly interfaceIndex: number; readonly frame: Uint8Array; readonly address: string | null }
  /** Another station uses a VIP: at most one in ten seconds for a VIP and an interface. */
  | { readonly type: 'conflict'; readonly address: string; readonly interface: string; readonly mac: string; readonly defended: boolean }
  | { readonly type: 'takenOver'; readonly address: string };
