/** Well-known communities by their names in routers' configurations (IANA, Border Gateway Protocol (BGP) Well-known Communities). */
export const WELL_KNOWN_COMMUNITIES: ReadonlyMap<string, number> = new Map([
  ['graceful-shutdown', 0xffff_0000],
  ['accept-own', 0xffff_0001],
  ['llgr-stale', 0xffff_0006],
  ['no-llgr', 0xffff_0007],
  ['blackhole', 0xffff_029a],
  ['no-export', 0xffff_ff01],
  ['no-advertise', 0xffff_ff02],
  ['no-export-subconfed', 0xffff_ff03],
  ['no-peer', 0xffff_ff04],
]);
