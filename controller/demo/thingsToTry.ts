import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { printListenAddress, type ListenAddress } from '../runtime/listenAddress.ts';
import { SHOP_FOLDER, type DemoFolder } from './demoFolder.ts';

/** Where the demo listens. */
export interface DemoAddresses {
  readonly http: ListenAddress;
  readonly https: ListenAddress;
  readonly admin: ListenAddress;
}

/** A command that works when pasted into a POSIX shell, and what it shows. */
export interface ThingToTry {
  readonly shows: string;
  readonly command: string;
}

const GATEHOUSE = fileURLToPath(new URL('../../bin/gatehouse', import.meta.url));

/** What to try with the shop, simple things first. Every path is absolute, so that any terminal will do. */
export function thingsToTry(addresses: DemoAddresses, folder: DemoFolder, poolOctet: number): readonly ThingToTry[] {
  return [...requests(addresses, folder), ...otherProtocols(addresses, folder, poolOctet), ...liveChanges(addresses, folder), ...views(addresses)];
}

/** The table as text; commands stand alone on lines indented by two spaces, comments begin with `#`. */
export function printThingsToTry(things: readonly ThingToTry[], addresses: DemoAddresses): string {
  const body = things.map(({ shows, command }) => `  # ${shows}\n  ${command}\n`).join('\n');
  return `
The shop is open. Paste any of these into another terminal:

${body}
In a browser: http://${printListenAddress(addresses.admin)}/
Each request is logged below. Press Ctrl-C to stop; nothing is left behind.

`;
}

function requests({ http, https }: DemoAddresses, folder: DemoFolder): readonly ThingToTry[] {
  const shop = curl('http', 'shop.test', http);
  const api = curl('http', 'api.shop.test', http);
  const checkout = curl('https', 'checkout.shop.test', https);
  const jar = quote(join(folder.path, 'cookies'));
  const say = quote(join(SHOP_FOLDER, 'say.mjs'));
  return [
    { shows: 'The front page: Ingress shop', command: shop('', '/') },
    { shows: 'A longer path of the same host: Ingress cart', command: shop('', '/cart') },
    {
      shows: 'A cookie keeps a customer at one of the two carts',
      command: `for turn in 1 2 3 4; do ${shop(`-b ${jar} -c ${jar} `, '/cart')}; done`,
    },
    {
      shows: 'The canary: one request in five gets v2',
      command: `for turn in $(seq 50); do ${api('', '/')}; done | sort | uniq -c`,
    },
    { shows: 'The canary for those who ask for it', command: api("-H 'X-Canary: always' ", '/') },
    {
      shows: 'TLS, with a certificate that curl verifies',
      command: checkout(`--cacert ${quote(folder.authorityFile)} `, '/'),
    },
    { shows: 'Plain HTTP is redirected there', command: curl('http', 'checkout.shop.test', http)('-i ', '/') },
    { shows: 'A WebSocket that echoes', command: `node ${say} ${printListenAddress(http)} chat.shop.test 'hello, gatehouse'` },
    { shows: 'A host nobody claims', command: curl('http', 'nobody.test', http)('-i ', '/') },
  ];
}

/** Services have their addresses in the order of their names. */
function otherProtocols({ https }: DemoAddresses, folder: DemoFolder, poolOctet: number): readonly ThingToTry[] {
  const authority = quote(folder.authorityFile);
  const script = (name: string): string => `node ${quote(join(SHOP_FOLDER, name))}`;
  return [
    {
      shows: 'gRPC over HTTP/2 and TLS: Ingress quotes',
      command: `${script('call.mjs')} ${printListenAddress(https)} quotes.shop.test ${authority} 'a fine lantern'`,
    },
    { shows: 'TLS that Gatehouse does not open: Ingress vault', command: curl('https', 'vault.shop.test', https)(`--cacert ${authority} `, '/') },
    { shows: 'Raw TCP on an address of its own: Service orders', command: `${script('knock.mjs')} tcp 127.77.${poolOctet}.1:7000 'two lanterns'` },
    { shows: 'UDP: Service telemetry', command: `${script('knock.mjs')} udp 127.77.${poolOctet}.2:7000 'all is well'` },
  ];
}

function liveChanges({ http }: DemoAddresses, folder: DemoFolder): readonly ThingToTry[] {
  const file = quote(join(folder.manifests, 'api-canary.yaml'));
  const api = curl('http', 'api.shop.test', http)('', '/');
  return [
    {
      shows: 'Give the canary everything; the change is served within half a second, no reload, no lost connection',
      command: `sed -i 's/canary-weight: ".*"/canary-weight: "100"/' ${file} && sleep 1 && ${api}`,
    },
  ];
}

function views({ http, admin }: DemoAddresses): readonly ThingToTry[] {
  const gatehouse = quote(GATEHOUSE);
  const at = `--admin ${printListenAddress(admin)}`;
  return [
    { shows: 'What is served', command: `${gatehouse} status ${at}` },
    {
      shows: 'Which object, rule and endpoint would answer, and why',
      command: `${gatehouse} explain http://api.shop.test:${http.port}/ -H 'X-Canary: always' ${at}`,
    },
    { shows: 'Prometheus metrics', command: `curl -sS http://${printListenAddress(admin)}/metrics | grep ^gatehouse_requests_total` },
  ];
}

/** A curl command for a host that no name server knows. */
function curl(scheme: 'http' | 'https', host: string, at: ListenAddress): (flags: string, target: string) => string {
  return (flags, target) => `curl -sS ${flags}--resolve ${host}:${at.port}:${at.address} ${scheme}://${host}:${at.port}${target}`;
}

/** One word for a POSIX shell; only quoted when it must be. */
function quote(word: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
