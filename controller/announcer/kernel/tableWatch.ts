import { NETLINK_NETFILTER, openNetlinkSocket, type NetlinkSocket, type NetlinkSocketOptions } from '../../../core/os/netlinkSocket.ts';
import { decodeNetlinkDatagram } from '../netlink/netlinkMessage.ts';

/** Hears of tables that are removed, whoever does it: `nft flush ruleset` of a firewall is the usual case. */
export interface TableWatch {
  /** Whether any table may have been removed since the last call; the first one begins to listen. Throws SystemError. */
  removed(): boolean;
  /** Does nothing the second time. */
  close(): void;
}

// linux/netfilter/nfnetlink.h and nf_tables.h: the group, and NFNL_SUBSYS_NFTABLES with NFT_MSG_DELTABLE.
const NFNLGRP_NFTABLES = 7;
const DELETE_TABLE = (10 << 8) | 2;
/** Notifications of one transaction come in datagrams of up to 8 KiB; a removed table comes last of what it contained. */
const OPTIONS: NetlinkSocketOptions = { protocol: NETLINK_NETFILTER, groups: [NFNLGRP_NFTABLES], datagramBytes: 1 << 16, queueBytes: 1 << 20 };
/** Per call: our own transactions are told of, too, and may be large. What is left is taken by the next call. */
const MAX_DATAGRAMS = 512;

/** Opens nothing before the first call. */
export function createTableWatch(openSocket: (options: NetlinkSocketOptions) => NetlinkSocket = openNetlinkSocket): TableWatch {
  let socket: NetlinkSocket | null = null;
  return {
    removed: () => {
      socket ??= openSocket(OPTIONS);
      let isRemoved = false;
      for (let count = 0; count < MAX_DATAGRAMS; count += 1) {
        const input = socket.receive();
        if (input === 'nothing') break;
        // What was lost may have said so.
        isRemoved ||= input === 'overrun' || saysRemoved(input);
      }
      return isRemoved;
    },
    close: () => {
      socket?.close();
      socket = null;
    },
  };
}

function saysRemoved(datagram: Buffer): boolean {
  const { messages, isCut } = decodeNetlinkDatagram(datagram);
  return isCut || messages.some(({ type }) => type === DELETE_TABLE);
}

/** Ours: ten system calls a second, for a gap that resets few connections. */
const LOOK_INTERVAL_MS = 100;

/** Looks again and again and calls `removed`; ends by itself after a fault, of which `failed` is told. Answers what ends it. */
export function followTableWatch(watch: TableWatch, { removed, failed }: { readonly removed: () => void; readonly failed: (error: unknown) => void }): () => void {
  const stop = (): void => {
    clearInterval(timer);
    watch.close();
  };
  const look = (): void => {
    try {
      if (watch.removed()) removed();
    } catch (error) {
      stop();
      failed(error);
    }
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS);
  timer.unref();
  look();
  return stop;
}
