import { inspectContainerText } from '#api/client/containers.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags/types.ts';
import { bool, string } from '../flags/values.ts';
import { inspectAll } from '../inspect.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: { min: 1 },
  flags: {
    format: flag(string, "'json' or a Go TEMPLATE", { short: 'f' }),
    size: flag(bool, 'Include sizes', { short: 's' }),
  },
  async run({ context, values, args }) {
    const client = await context.client();
    return inspectAll(context, args, values.format, (name) => inspectContainerText(client, name, values.size));
  },
});
