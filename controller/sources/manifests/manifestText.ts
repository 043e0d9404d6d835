import { open } from 'node:fs/promises';

/** Largest manifest file that is read (ours). */
export const MAX_MANIFEST_BYTES = 32 * 1024 * 1024;

/** The text of a file, or why there is none. */
export type TextReading = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly rule: string };

/** Reads a UTF-8 file (a byte order mark is dropped) of at most 32 MiB. */
export async function readManifestText(path: string): Promise<TextReading> {
  const octets = await readOctets(path).catch(errorCode);
  if (typeof octets === 'string') return { ok: false, rule: `must be readable: ${octets}` };
  if (octets === null) return { ok: false, rule: `must be at most ${MAX_MANIFEST_BYTES} bytes long` };
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(octets) };
  } catch {
    return { ok: false, rule: 'must be text in UTF-8' };
  }
}

/** `ENOENT` and the like; the name of any other error. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Null when the file is too long; one that grows meanwhile is read up to its length at the beginning. */
async function readOctets(path: string): Promise<Buffer | null> {
  await using file = await open(path);
  const { size } = await file.stat();
  if (size > MAX_MANIFEST_BYTES) return null;
  return size === 0 ? Buffer.alloc(0) : file.readFile();
}
