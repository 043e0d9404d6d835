import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import type { MemoryApi } from './memoryApi.ts';
import { KubeError, type KubeRequest } from '../../../cluster/kubeApi.ts';
import { answerJson, startScriptedServer, type ScriptedServer } from '../../../cluster/testing/scriptedServer.ts';

/** What may go wrong with one request on its way; null: nothing. */
export type WireFault = { readonly type: 'status'; readonly status: number; readonly retryAfterSeconds?: number } | { readonly type: 'reset' } | { readonly type: 'torn' };

/** Serves an API server in memory over HTTP, with faults of the wire. */
export function serveMemoryApi(t: TestContext, api: MemoryApi, fault: (request: KubeRequest) => WireFault | null): Promise<ScriptedServer> {
  return startScriptedServer(t, async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://localhost');
    const request: KubeRequest = { method: 'GET', path: url.pathname, query: Object.fromEntries(url.searchParams) };
    const wrong = fault(request);
    if (wrong?.type === 'reset') incoming.socket.resetAndDestroy();
    else if (wrong?.type === 'status') answerFault(response, wrong);
    else if (url.searchParams.has('watch')) await serveWatch(api, request, incoming, response);
    else await serveRequest(api, request, response, wrong?.type === 'torn');
  });
}

function answerFault(response: ServerResponse, { status, retryAfterSeconds }: { readonly status: number; readonly retryAfterSeconds?: number }): void {
  answerJson(response, status, { kind: 'Status', code: status }, retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) });
}

async function serveRequest(api: MemoryApi, request: KubeRequest, response: ServerResponse, torn: boolean): Promise<void> {
  try {
    const text = JSON.stringify(await api.request(request));
    response.writeHead(200, { 'Content-Length': Buffer.byteLength(text) });
    if (torn) response.write(text.slice(0, text.length / 2), () => response.destroy());
    else response.end(text);
  } catch (error) {
    answerError(response, error);
  }
}

async function serveWatch(api: MemoryApi, request: KubeRequest, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  incoming.socket.once('close', () => gone.abort(new Error('the client left')));
  const onOpen = (): void => response.writeHead(200).flushHeaders();
  try {
    for await (const event of api.watch({ ...request, signal: gone.signal, onOpen })) writeTorn(response, `${JSON.stringify(event)}\n`);
    response.end();
  } catch (error) {
    if (response.headersSent) response.destroy();
    else answerError(response, error);
  }
}

/** In two parts, so that events come in pieces. */
function writeTorn(response: ServerResponse, text: string): void {
  const at = text.length >> 1;
  response.write(text.slice(0, at));
  response.write(text.slice(at));
}

function answerError(response: ServerResponse, error: unknown): void {
  const status = error instanceof KubeError && error.status !== null ? error.status : 500;
  answerJson(response, status, { kind: 'Status', code: status, message: String(error) });
}
