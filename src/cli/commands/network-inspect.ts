import { inspectNetworkText } from '#api/client/networks.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { inspectAll } from '../inspect.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  args: { min: 1 },
  flags: {
    format: flag(string, "'json' or a Go TEMPLATE", { short: 'f' }),
    verbose: flag(bool, 'Show more of networks of a swarm', { short: 'v' }),
  },
  async run({ context, values: { format, verbose }, args }) {
    const client = await context.client();
    return inspectAll(context, args, format, (name) => inspectNetworkText(client, name, { verbose }));
  },
});
