import { printListenAddress, type ListenAddress } from '../runtime/listenAddress.ts';

/** What an admin API answered: JSON on success, else why not in words for the user. */
export type AdminAnswer = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly message: string };

const TIMEOUT_MS = 10_000;

/** Asks the admin API of a running Gatehouse for `path`. Never rejects. */
export async function askAdmin(admin: ListenAddress, path: string): Promise<AdminAnswer> {
  const address = printListenAddress(admin);
  try {
    const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    const body: unknown = await response.json();
    return response.ok ? { ok: true, body } : { ok: false, message: `${address} refused: ${errorText(body)}` };
  } catch (error) {
    return { ok: false, message: noAnswer(address, error) };
  }
}

function noAnswer(address: string, error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return `no Gatehouse answers on ${address} (${why}).\nIs one running there? Start it with "gatehouse run", or name its admin address with --admin ADDR:PORT.`;
}

function errorText(body: unknown): string {
  const text = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  return typeof text === 'string' ? text : 'it gave no reason';
}
