import { request as httpsRequest } from 'node:https';
import { isRecord, record, scalar, text, type JsonObject } from '../json.ts';

/** The most that is read of an answer. */
const MAX_ANSWER_BYTES = 3 * 1024 * 1024;

interface Endpoint {
  readonly url: URL;
  /** Name the certificate must have. */
  readonly serverName: string;
}

function endpointOf(clientConfig: JsonObject, services: ReadonlyMap<string, string>, timeoutMs: number): Endpoint {
  const timeout = `timeout=${timeoutMs / 1000}s`;
  if (clientConfig['url'] !== undefined) {
    const url = new URL(text(clientConfig['url']));
    url.search = url.search === '' ? timeout : `${url.search.slice(1)}&${timeout}`;
    return { url, serverName: url.hostname };
  }
  const { namespace, name, path } = record(clientConfig['service']);
  const place = services.get(`${text(namespace)}/${text(name)}`);
  const serverName = `${text(name)}.${text(namespace)}.svc`;
  const shown = `https://${serverName}:${scalar(record(clientConfig['service'])['port'] ?? 443)}${text(path)}?${timeout}`;
  if (place === undefined) throw new Error(`Post ${JSON.stringify(shown)}: service ${JSON.stringify(text(name))} not found`);
  return { url: new URL(`https://${place}${text(path) === '' ? '/' : text(path)}?${timeout}`), serverName };
}

/**
 * Posts an AdmissionReview to a webhook over HTTPS, trusting its caBundle only, and returns the answer's object. Rejects when it
 * cannot be reached, takes longer than `timeoutMs`, or answers with anything but 200 and a JSON object.
 */
export async function callWebhook(
  clientConfig: JsonObject, services: ReadonlyMap<string, string>, review: JsonObject, timeoutMs: number,
): Promise<JsonObject> {
  const { url, serverName } = endpointOf(clientConfig, services, timeoutMs);
  const bundle = text(clientConfig['caBundle']);
  const body = JSON.stringify(review);
  const answer = await post({ url, serverName, ca: bundle === '' ? null : Buffer.from(bundle, 'base64') }, body, timeoutMs);
  const parsed: unknown = JSON.parse(answer);
  if (!isRecord(parsed)) throw new Error('webhook response is no object');
  return parsed;
}

async function post(to: Endpoint & { readonly ca: Buffer | null }, body: string, timeoutMs: number): Promise<string> {
  const { url, serverName, ca } = to;
  const shown = JSON.stringify(url.href);
  return await new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = httpsRequest({
      host: url.hostname.replaceAll(/[[\]]/g, ''), port: url.port === '' ? 443 : Number(url.port), path: `${url.pathname}${url.search}`, method: 'POST', agent: false, signal,
      ...(/^[\d.:[\]]+$/.test(serverName) ? {} : { servername: serverName }), ...(ca === null ? {} : { ca }),
      headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(body) },
    }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) request.destroy(new Error('response is too large'));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`an error on the server (${JSON.stringify(text.slice(0, 200))}) has prevented the request from succeeding`));
      });
      response.on('error', reject);
    });
    request.on('error', (error) => {
      const why = signal.aborted ? 'context deadline exceeded' : error.message;
      reject(new Error(`Post ${shown}: ${why}`));
    });
    request.end(body);
  });
}
