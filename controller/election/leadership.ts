/**
 * Whether this process is the one that writes. `isLeader` is true only while nobody else can be: it turns false, by the monotonic
 * clock and without anybody's help, before the Lease can be taken by another. Ask it right before each write.
 */
export interface Leadership {
  isLeader(): boolean;
  /** Identity of the holder as last seen; null: nobody, or not known yet. */
  holder(): string | null;
  /** Called after each change of `isLeader`, and of `holder`. Returns what ends it. */
  onChange(listener: () => void): () => void;
}

/** Of a process that has nobody beside it: manifests, or `--leader-election=false`. */
export const ALWAYS_LEADER: Leadership = {
  isLeader: () => true,
  holder: () => null,
  onChange: () => () => {},
};
