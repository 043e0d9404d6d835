import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Logger } from '../../../core/log/logger.ts';
import { pause } from './pause.ts';
import { createPairHolder, type ServingPair, type ServingSource } from './servingPair.ts';

/** Files that somebody else keeps, such as cert-manager by a mounted Secret. */
export interface FileSourceOptions {
  /** PEM, the leaf first. */
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly logger: Logger;
  /** How often they are looked at; kubelet itself takes up to a minute to renew a mounted Secret. Default 10 s. */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 10_000;

/** Follows a certificate and a key in files. What cannot be read, or does not go together, leaves the last good pair. */
export function createFileSource(options: FileSourceOptions): ServingSource {
  const held = createPairHolder();
  const stopping = new AbortController();
  let running: Promise<void> | null = null;
  let lastFault = '';

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const reading = await readPair(options);
      if (reading.type === 'pair') held.set(reading.pair);
      const fault = reading.type === 'fault' ? reading.fault : '';
      if (fault !== '' && fault !== lastFault) {
        const { certificateFile, keyFile } = options;
        options.logger.error('the webhook certificate cannot be used; the last good one stays', { certificateFile, keyFile, fault });
      }
      lastFault = fault;
      await pause(options.intervalMs ?? INTERVAL_MS, stopping.signal);
    }
  }

  return {
    current: held.current,
    onChange: held.onChange,
    start: () => {
      running ??= run();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

type PairReading =
  | { readonly type: 'pair'; readonly pair: ServingPair }
  | { readonly type: 'fault'; readonly fault: string };

/** The two are replaced one after the other: a pair that does not fit is a moment between, or a mistake. */
async function readPair({ certificateFile, keyFile }: FileSourceOptions): Promise<PairReading> {
  try {
    const [certificatePem, keyPem] = await Promise.all([readFile(certificateFile, 'utf8'), readFile(keyFile, 'utf8')]);
    const fits = new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
    return fits ? { type: 'pair', pair: { certificatePem, keyPem } } : { type: 'fault', fault: 'the key does not belong to the certificate' };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { type: 'fault', fault: code };
  }
}
