import { createReadStream } from 'node:fs';

/** Largest manifest file that is read (ours). */
export const MAX_MANIFEST_BYTES = 32 * 1024 * 1024;

/** The text of a file, or why there is none. */
export type TextReading = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly rule: string };

/** Reads a UTF-8 file (a byte order mark is dropped) of at most 32 MiB. */
export async function readManifestText(path: string): Promise<TextReading> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { end: MAX_MANIFEST_BYTES, highWaterMark: 1024 * 1024 })) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } catch (error) {
    return { ok: false, rule: `must be readable: ${errorCode(error)}` };
  }
  if (bytes > MAX_MANIFEST_BYTES) return { ok: false, rule: `must be at most ${MAX_MANIFEST_BYTES} bytes long` };
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks, bytes)) };
  } catch {
    return { ok: false, rule: 'must be text in UTF-8' };
  }
}

/** `ENOENT` and the like; the name of any other error. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
