import { killContainer } from '#api/client/containers.ts';
import { defineCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { flag } from '../flags/types.ts';
import { string } from '../flags/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: { min: 1 },
  flags: { signal: flag(string, 'Signal to send instead of KILL', { short: 's' }) },
  async run({ context, values, args }) {
    const client = await context.client();
    return forEach(context, args, async (name) => {
      await killContainer(client, name, values.signal || undefined);
      return name;
    });
  },
});
