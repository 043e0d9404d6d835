import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { parse } from 'yaml';
import { at, record, records, text, type JsonObject } from './json.ts';

/** An answer, parsed where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonObject;
  readonly text: string;
}

/** How a request differs from the usual one. */
export interface SendOptions {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
}

/** An open watch. */
export interface TestWatch {
  readonly status: number;
  /** The next event; null: the stream has ended. Rejects after 10 s without one. */
  next(): Promise<{ readonly type: string; readonly object: JsonObject } | null>;
  close(): void;
}

/** What a test speaks to a server with: plain HTTP requests with the credentials of a kubeconfig. */
export interface TestClient {
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  put(path: string, body: unknown): Promise<Answer>;
  /** `kind`: merge, json, strategic-merge, apply. */
  patch(path: string, kind: string, body: unknown): Promise<Answer>;
  delete(path: string, body?: unknown): Promise<Answer>;
  watch(path: string): Promise<TestWatch>;
  close(): void;
}

const NEXT_TIMEOUT_MS = 10_000;

/** A client by the text of a kubeconfig file. */
export function clientOf(kubeconfig: string): TestClient {
  const config: unknown = parse(kubeconfig);
  const cluster = record(records(at(config, 'clusters'))[0]?.['cluster']);
  const user = record(records(at(config, 'users'))[0]?.['user']);
  const server = text(cluster['server']);
  const decoded = (value: unknown): Buffer => Buffer.from(text(value), 'base64');
  const secure = server.startsWith('https');
  const agent = secure ? new Agent({
    keepAlive: true, ca: decoded(cluster['certificate-authority-data']),
    ...(user['client-certificate-data'] === undefined ? {} : { cert: decoded(user['client-certificate-data']), key: decoded(user['client-key-data']) }),
  }) : new HttpAgent({ keepAlive: true });
  const open = async (method: string, path: string, { body, type = 'application/json', accept = 'application/json' }: SendOptions): Promise<IncomingMessage> => {
    const octets = body === undefined ? null : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const headers = {
      accept, ...(user['token'] === undefined ? {} : { authorization: `Bearer ${text(user['token'])}` }), ...(octets === null ? {} : { 'content-type': type, 'content-length': octets.length }),
    };
    return await new Promise((resolve, reject) => {
      const make = secure ? httpsRequest : httpRequest;
      const request = make(new URL(path, server), { agent, method, headers }, resolve);
      request.on('error', reject);
      request.end(octets);
    });
  };
  const send = async (method: string, path: string, options: SendOptions = {}): Promise<Answer> => {
    const response = await open(method, path, options);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks).toString();
    return { status: response.statusCode ?? 0, headers: response.headers, text: answer, body: answer.startsWith('{') ? (JSON.parse(answer) as JsonObject) : {} };
  };
  const patchType = (kind: string): string => (kind === 'apply' ? 'application/apply-patch+yaml' : `application/${kind}-patch+json`);
  return {
    send,
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, { body }),
    put: (path, body) => send('PUT', path, { body }),
    patch: (path, kind, body) => send('PATCH', path, { body, type: patchType(kind) }),
    delete: (path, body) => send('DELETE', path, body === undefined ? {} : { body }),
    watch: async (path) => watchOf(await open('GET', path, {})),
    close: () => agent.destroy(),
  };
}

function watchOf(response: IncomingMessage): TestWatch {
  const lines: string[] = [];
  let rest = '';
  let ended = false;
  let wake = (): void => {};
  const stir = (): void => wake();
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.filter((line) => line !== ''));
    stir();
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    ended = true;
    stir();
  });
  const wait = async (): Promise<void> => await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no event of the watch in time')), NEXT_TIMEOUT_MS);
    wake = () => {
      clearTimeout(timer);
      wake = () => {};
      resolve();
    };
  });
  return {
    status: response.statusCode ?? 0,
    async next() {
      while (lines.length === 0 && !ended) await wait();
      const line = lines.shift();
      return line === undefined ? null : (JSON.parse(line) as { type: string; object: JsonObject });
    },
    close: () => response.destroy(),
  };
}
