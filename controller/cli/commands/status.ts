import { decodeStatus } from '../../status/decodeStatus.ts';
import { printStatus } from '../../status/printStatus.ts';
import { askAdmin } from '../adminClient.ts';
import { defineCommand, EXIT } from '../command.ts';
import { ASK_ADMIN_FLAG, OUTPUT_FLAG } from '../sharedFlags.ts';

/** `gatehouse status`. */
export const statusCommand = defineCommand(
  {
    name: 'status',
    summary: 'Show what a running Gatehouse serves, and what is wrong',
    description:
      'Asks the admin API of a running Gatehouse for its listeners, Ingresses, Services of type LoadBalancer, nodes and problems. ' +
      'Exits 1 when nothing answers there.',
    positionals: { name: '', least: 0, most: 0, help: '' },
    examples: [
      ['What runs on this machine', 'gatehouse status'],
      ['Another admin address', 'gatehouse status --admin 127.0.0.1:9191'],
      ['Hosts of every Ingress, for a script', "gatehouse status --output json | jq -r '.ingresses[].hosts[]'"],
    ],
  },
  { admin: ASK_ADMIN_FLAG, output: OUTPUT_FLAG },
  async (flags, _positionals, context) => {
    const answer = await askAdmin(flags.admin, '/api/v1/status');
    const status = answer.ok ? decodeStatus(answer.body) : null;
    if (!answer.ok || status === null) {
      context.stderr(`gatehouse status: ${answer.ok ? 'what answers there is not a Gatehouse of this version' : answer.message}\n`);
      return EXIT.failure;
    }
    context.stdout(flags.output === 'json' ? `${JSON.stringify(answer.body, null, 2)}\n` : printStatus(status));
    return EXIT.success;
  },
);
