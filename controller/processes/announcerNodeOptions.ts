/** How Node.js is started for an announcer, and in tests for a part of one. */
export const ANNOUNCER_NODE_OPTIONS: readonly string[] = [
  // No debugger on SIGUSR1 in a process that may change the network; node:ffi still warns that it is experimental.
  '--disable-sigusr1', '--disable-warning=ExperimentalWarning',
  // Each thread collects its own garbage. V8's helper threads have no real-time priority: on a busy node they keep the BFD thread waiting for longer than
  // its sessions live (335 ms were seen, with all processors busy). The heaps here are small; what the helpers would save is not missed.
  '--single-threaded-gc',
];
