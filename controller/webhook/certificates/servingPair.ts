/** What a TLS server shows: PEM of its certificate chain and of its private key. Never logged. */
export interface ServingPair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Where the webhook's serving certificate comes from: the shared Secret, or files that somebody else keeps. */
export interface ServingSource {
  /** Null until there is one; afterwards always the last good one. */
  current(): ServingPair | null;
  /** Called after each change. Returns what ends it. */
  onChange(listener: () => void): () => void;
  start(): void;
  stop(): Promise<void>;
}

/** The part of a source that remembers the pair and tells of changes. */
export interface PairHolder extends Pick<ServingSource, 'current' | 'onChange'> {
  set(pair: ServingPair): void;
}

/** A holder without a pair. */
export function createPairHolder(): PairHolder {
  const listeners = new Set<() => void>();
  let held: ServingPair | null = null;
  return {
    current: () => held,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set(pair) {
      if (held?.certificatePem === pair.certificatePem && held.keyPem === pair.keyPem) return;
      held = pair;
      for (const listener of listeners) listener();
    },
  };
}
