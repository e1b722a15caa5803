import { stopContainer } from '#api/client/containers.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { stopFlags } from '../stop-flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: { min: 1 },
  flags: stopFlags,
  async run({ context, values, given, args }) {
    const client = await context.client();
    const query = { signal: values.signal || undefined, t: given.has('timeout') ? values.timeout : undefined };
    return forEach(context, args, async (name) => {
      await stopContainer(client, name, query);
      return name;
    });
  },
});
