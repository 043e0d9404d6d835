import { decodeBgpPeers, decodeBgpRoutes } from '../../status/decodeBgp.ts';
import { printBgpPeers, printBgpRoutes } from '../../status/printBgp.ts';
import { askAdmin } from '../adminClient.ts';
import { defineCommand, EXIT, wrongUsage } from '../command.ts';
import { ASK_ADMIN_FLAG, OUTPUT_FLAG } from '../sharedFlags.ts';

/** What can be shown: the path that is asked, and its answer in words; null when it is no such answer. */
const VIEWS: Readonly<Record<string, { readonly path: string; readonly print: (body: unknown) => string | null }>> = {
  peers: {
    path: '/api/v1/bgp/peers',
    print: (body) => {
      const found = decodeBgpPeers(body);
      return found === null ? null : printBgpPeers(found.peers, found.problems, Date.now());
    },
  },
  routes: {
    path: '/api/v1/bgp/routes',
    print: (body) => {
      const routes = decodeBgpRoutes(body);
      return routes === null ? null : printBgpRoutes(routes);
    },
  },
};

/** `gatehouse bgp`. */
export const bgpCommand = defineCommand(
  {
    name: 'bgp',
    summary: 'Show BGP peers, and which routes they are sent',
    description:
      'Asks the admin API of a running Gatehouse. peers: state of each session, since when, what was sent and received, BFD, and why a session is not there. ' +
      'routes: each prefix that a BGPAdvertisement is for on this node, to whom it is announced and with which attributes, or why not. Exits 1 when nothing answers there.',
    positionals: { name: 'WHAT', least: 1, most: 1, help: 'peers or routes.' },
    examples: [
      ['Sessions of this node', 'gatehouse bgp peers'],
      ['What peers are told', 'gatehouse bgp routes'],
      ['Peers without a session, for a script', "gatehouse bgp peers --output json | jq -r '.peers[] | select(.state != \"Established\").name'"],
    ],
  },
  { admin: ASK_ADMIN_FLAG, output: OUTPUT_FLAG },
  async (flags, [what = ''], context) => {
    const view = Object.hasOwn(VIEWS, what) ? VIEWS[what] : undefined;
    if (view === undefined) return wrongUsage('bgp', `unknown view ${JSON.stringify(what)}; there are ${Object.keys(VIEWS).join(' and ')}`, context);
    const answer = await askAdmin(flags.admin, view.path);
    const printed = answer.ok ? view.print(answer.body) : null;
    if (!answer.ok || printed === null) {
      context.stderr(`gatehouse bgp: ${answer.ok ? 'what answers there is not a Gatehouse of this version' : answer.message}\n`);
      return EXIT.failure;
    }
    context.stdout(flags.output === 'json' ? `${JSON.stringify(answer.body, null, 2)}\n` : printed);
    return EXIT.success;
  },
);
