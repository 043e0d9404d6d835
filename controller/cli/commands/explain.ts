import { decodeExplanation } from '../../status/decodeExplanation.ts';
import { printExplanation } from '../../status/printExplanation.ts';
import { askAdmin } from '../adminClient.ts';
import { defineCommand, EXIT, wrongUsage } from '../command.ts';
import { many, one } from '../flag.ts';
import { ASK_ADMIN_FLAG, OUTPUT_FLAG } from '../sharedFlags.ts';
import { headerField, ipAddress, requestUrl, text } from '../values.ts';

const FLAGS = {
  method: one('method', text('a method'), () => 'GET', { placeholder: 'M', help: 'Request method.', defaultText: 'GET' }),
  headers: many('header', headerField, {
    short: 'H',
    placeholder: "'NAME: VALUE'",
    help: 'Header field of the request, as for curl; in the environment one per line.',
    separator: '\n',
    splitsFlag: false,
  }),
  client: one('client', ipAddress, () => '127.0.0.1', {
    placeholder: 'ADDR',
    help: 'Client address to assume; matters where clients are balanced by address.',
    defaultText: '127.0.0.1',
  }),
  admin: ASK_ADMIN_FLAG,
  output: OUTPUT_FLAG,
};

/** `gatehouse explain`. */
export const explainCommand = defineCommand(
  {
    name: 'explain',
    summary: 'Say which Ingress, rule, Service and endpoint would serve a request, and why',
    description:
      'Asks a running Gatehouse what it would do with a request, without sending it: which host and path rule match, ' +
      'what the canary rules say, which endpoint would be chosen. The proxy itself answers, so it is what is truly served.',
    positionals: { name: 'URL', least: 1, most: 1, help: 'http:// or https:// URL; http:// may be left out.' },
    examples: [
      ['Who serves the cart?', 'gatehouse explain http://shop.test/cart'],
      ['The same for a client that asks for the canary', "gatehouse explain https://api.shop.test/ -H 'X-Canary: always'"],
      ['For a script', "gatehouse explain http://shop.test/cart --output json | jq -r .endpoint"],
    ],
  },
  FLAGS,
  async (flags, [word = ''], context) => {
    const url = requestUrl(word);
    if (!url.ok) return wrongUsage('explain', `URL must be ${url.expected} (got ${JSON.stringify(word)})`, context);
    const query = new URLSearchParams({ url: url.value, method: flags.method, client: flags.client });
    for (const [name, value] of flags.headers) query.append('header', `${name}: ${value}`);
    const answer = await askAdmin(flags.admin, `/api/v1/explain?${query.toString()}`);
    const explanation = answer.ok ? decodeExplanation(answer.body) : null;
    if (!answer.ok || explanation === null) {
      context.stderr(`gatehouse explain: ${answer.ok ? 'what answers there is not a Gatehouse of this version' : answer.message}\n`);
      return EXIT.failure;
    }
    context.stdout(flags.output === 'json' ? `${JSON.stringify(answer.body, null, 2)}\n` : printExplanation(explanation));
    return EXIT.success;
  },
);
