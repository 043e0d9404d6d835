import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';

/** Everything the page may load comes from here (but for its empty icon); no inline script or style, no frame, no form. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SCRIPT = 'text/javascript; charset=utf-8';

const FILES = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: SCRIPT },
  { path: '/bgp.js', file: 'bgp.js', type: SCRIPT },
  { path: '/elements.js', file: 'elements.js', type: SCRIPT },
] as const;

/** Adds the status page: small files that read the API. */
export async function addPageRoutes(app: FastifyInstance): Promise<void> {
  for (const { path, file, type } of FILES) {
    const content = await readFile(new URL(`page/${file}`, import.meta.url));
    app.get(path, async (_request, reply) =>
      reply.headers({ 'content-security-policy': CONTENT_SECURITY_POLICY, 'referrer-policy': 'no-referrer' }).type(type).send(content),
    );
  }
}
